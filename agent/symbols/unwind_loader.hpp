// UnwindLoader: reads the call frames of what processes have mapped, and gives them to the sampler's kernel
// side.
//
// A file is read once, whoever maps it. Bounded: so many files, bytes of tables and processes; past a bound a
// process keeps the kernel's own walk by frame pointers, and that is counted. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/symbols/copied_stack.hpp"
#include "agent/symbols/module_cache.hpp"
#include "agent/symbols/process_snapshot.hpp"
#include "agent/symbols/unwind_maps.hpp"
#include "agent/unwind/elf_frames.hpp"
#include "agent/unwind/unwind_table.hpp"
#include "core/ids.hpp"

namespace autotune::symbols {

struct UnwindLoaderOptions {
    std::string proc = "/proc";
    std::size_t max_processes = 1'024;
};

struct UnwindLoaderCounts {
    std::size_t files = 0;
    std::size_t bytes = 0;  // of tables
    std::size_t recipes = 0;
    std::uint64_t rows = 0;
    std::uint64_t refused = 0;      // files that found no room, mappings and processes that could not be told
    std::uint64_t damaged = 0;      // entries of call frames that could not be read
    std::uint64_t unsupported = 0;  // rows whose rule is beyond us
};

class UnwindLoader {
public:
    UnwindLoader(UnwindMapFds maps, UnwindLoaderOptions options = {});
    ~UnwindLoader();

    // The process's mappings as they were read for the `reads`-th time (Symbolizer::observe): nothing happens
    // when that is known already.
    void learn(const ProcessId& process, std::uint64_t reads, const ProcessSnapshot& snapshot);
    // The stack that was copied of the process, walked by what is known of it; nothing when that is nothing.
    [[nodiscard]] std::optional<WalkedStack> walk(const ProcessId& process, const CopiedStack& stack) const;
    // It has become another program: what was known is void.
    void forget(const ProcessId& process);

    [[nodiscard]] const UnwindLoaderCounts& counts() const { return counts_; }

private:
    struct File {
        std::uint32_t number = 0;
        unwind::ElfFrames about;  // without rows: they are in the kernel
    };
    struct Space {
        std::uint32_t number = 0;
        std::uint64_t reads = 0;
        std::vector<UnwindMapping> mappings;  // by start
        std::list<ProcessId>::iterator use;
    };

    // `known`: which file that was found to be.
    const File* file_of(const std::string& folder, const Mapping& mapping, const std::optional<FileIdentity>& known);
    const File* vdso();
    std::unique_ptr<File> load(Result<unwind::ElfFrames> read);
    void remove(Space& space);
    void make_room();

    UnwindMaps maps_;
    UnwindLoaderOptions options_;
    UnwindLoaderCounts counts_;
    unwind::RecipeBook book_;
    std::map<FileIdentity, std::unique_ptr<File>> files_;  // null: nothing to be had from it
    std::optional<std::unique_ptr<File>> vdso_;
    std::unordered_map<ProcessId, Space> spaces_;
    std::list<ProcessId> uses_;  // most recent first
    std::uint32_t next_file_ = 0;
    std::uint32_t next_space_ = 1;
};

}  // namespace autotune::symbols
