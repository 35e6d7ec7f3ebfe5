// The C library's memory while large files are read: reading takes several times what is kept of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace autotune::symbols {

// To be called when something of a file of so many bytes was read and let go. Gives freed memory back when it is much:
// it costs some milliseconds. Any thread.
void give_back_memory(std::uint64_t file_bytes);

// For a program that reads much at its start and nothing else meanwhile, before it does: what one file took is used again
// for the next, and comes in huge pages where the kernel has them (a page fault costs more than reading a page). Takes
// address space, 48 MiB; memory only as it is used. Once, while there is one thread.
void expect_large_files();

}  // namespace autotune::symbols
