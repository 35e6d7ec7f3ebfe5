// UnwindMaps: the sampler's unwinding tables in the kernel (bpf/parts/unwind.bpf.h), written. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/unwind/unwind_table.hpp"
#include "bpf/sampler_wire.h"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace autotune::symbols {

// Borrowed from the loaded program.
struct UnwindMapFds {
    int processes = -1;
    int mappings = -1;
    int pages = -1;
    int slabs = -1;
    int recipes = -1;
    std::uint32_t* processes_version = nullptr;  // shared with the kernel side: counted up when `processes` has changed
};

// [start, end) of an address space is `file`; address less bias is the file's own.
struct UnwindMapping {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t bias = 0;
    std::uint32_t file = 0;
    bool operator==(const UnwindMapping&) const = default;
};

class UnwindMaps {
public:
    explicit UnwindMaps(UnwindMapFds fds) : fds_(fds) {}
    ~UnwindMaps();
    UnwindMaps(const UnwindMaps&) = delete;
    UnwindMaps& operator=(const UnwindMaps&) = delete;

    // Makes room for the first tables, so that nobody waits for it later.
    Status start() { return add_slab(); }

    // Recipes of the book that are not there yet. To be called before the rows that use them are put.
    Status put_recipes(std::span<const unwind::Recipe> all);
    // REQUIRES: a file number that was not used before. Errors: resource_exhausted, when all slabs are full.
    Status put_file(std::uint32_t file, const unwind::UnwindTable& table);
    Status put_mapping(std::uint32_t space, const UnwindMapping& mapping);
    void remove_mapping(std::uint32_t space, const UnwindMapping& mapping);
    // What the kernel side finds there, by the same way; 0 when nothing is known.
    [[nodiscard]] std::uint16_t recipe_index(std::uint32_t file, std::uint64_t own_address) const;
    // From now on the process's stacks are walked by what `space` holds.
    Status put_process(const ProcessId& process, std::uint32_t space);

private:
    // Rows of the kernel's, mapped into our memory: written without a system call. Adding one makes the
    // kernel wait for all CPUs, some ten milliseconds, so there is always one with room ahead.
    struct Slab {
        at_unwind_chunk* chunks = nullptr;
        std::uint32_t used = 0;  // rows
    };
    static constexpr std::uint32_t kSlabRows = AT_UNWIND_SLAB_CHUNKS * AT_UNWIND_ROWS_A_CHUNK;

    Status add_slab();
    Result<at_unwind_rows> put_rows(std::span<const unwind::PackedRow> rows);

    UnwindMapFds fds_;
    std::size_t recipes_ = 0;
    std::vector<Slab> slabs_;
};

// The prefixes that together are [start, end): what a longest-prefix map can hold. Pure.
struct AddressPrefix {
    std::uint64_t address = 0;
    std::uint32_t bits = 0;  // of the 64
    auto operator<=>(const AddressPrefix&) const = default;
};
[[nodiscard]] std::vector<AddressPrefix> prefixes_of(std::uint64_t start, std::uint64_t end);

}  // namespace autotune::symbols
