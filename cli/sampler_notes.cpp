#include "cli/sampler_notes.hpp"

#include <cstddef>
#include <cstdint>

namespace autotune::cli {

namespace {
constexpr std::size_t kMostFetches = 8;  // that are told one by one
}  // namespace

std::vector<std::string> sampler_notes(const symbols::SamplerHealth& health) {
    std::vector<std::string> notes;
    const auto counted = [&](std::uint64_t count, const char* what) {
        if (count > 0) notes.push_back(std::to_string(count) + " " + what);
    };
    for (const symbols::Fetch& f : health.fetches) {
        if (notes.size() == kMostFetches) {
            counted(health.fetches.size() - kMostFetches, "more were asked of debuginfod");
            break;
        }
        notes.push_back("debuginfod: " + f.build_id + ": " + (f.path.empty() ? f.error : "fetched to " + f.path));
    }
    if (health.attached && !health.hears_mappings)
        notes.push_back("mappings could not be heard of: a library that took another one's place has the old one's names");
    counted(health.not_copied, "stacks of new processes and libraries found no room to be walked later: they are cut");
    counted(health.guessed_runs, "times the place of Python frames among native ones is a guess");
    counted(health.unwinding_refused, "files, mappings or processes found no room among the unwinding tables: their stacks are cut");
    counted(health.unwinding_damaged, "entries of call frames are damaged: stacks through them are cut");
    const symbols::ModuleCounts& modules = health.symbols.modules;
    counted(modules.corrupt, "files could not be read: no names of them");
    counted(modules.cut, "files have sections that are too large to be read: not all of their names");
    counted(modules.no_room, "files have more DWARF than there is room for: no lines and inlined functions of them");
    counted(modules.damaged, "units of DWARF are damaged: not all of their lines and inlined functions are shown");
    counted(health.symbols.jit_refused, "perf maps (/tmp/perf-PID.map) are older than their process: an earlier one's, no names of them");
    counted(health.symbols.jit_no_room, "functions of perf maps found no room: no names of them");
    return notes;
}

}  // namespace autotune::cli
