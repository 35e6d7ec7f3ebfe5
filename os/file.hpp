// Whole small files: what procfs, cgroupfs and state folders are made of.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune {

// The file's bytes, read to the end (also where the size is not known before, as in /proc).
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);

// What is left to read of an open file; `path` is for the message. Errors: unsupported: it is more than `most` bytes; else
// as of read(2).
[[nodiscard]] Result<std::string> read_to_end(const Fd& fd, const std::filesystem::path& path,
                                              std::size_t most = std::string::npos);

// One write(2) of `text` to an existing file: what kernel interfaces expect. Never creates.
[[nodiscard]] Status write_file(const std::filesystem::path& path, std::string_view text);

// Creates or replaces the file at `path` so that readers see the old or the new bytes, never a part. What a link leads to
// is replaced, not the link; a device or a pipe is written to. A file's owner and
// permissions stay; a new one has those of the umask.
[[nodiscard]] Status replace_file(const std::filesystem::path& path, std::string_view text);

// A pipe; both ends close-on-exec.
struct Pipe {
    Fd read, write;
};
[[nodiscard]] Result<Pipe> make_pipe();

}  // namespace autotune
