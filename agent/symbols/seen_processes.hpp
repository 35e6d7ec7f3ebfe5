// SeenProcesses: the processes of a symbolizer and what each has mapped, as last read.
//
// Mappings are read when a process is first seen, when it is another program, and at some of the addresses that are in
// none. They are kept when the process goes. Bounded: the least recently used goes. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/symbols/jit_symbols.hpp"
#include "agent/symbols/module_cache.hpp"
#include "agent/symbols/process_snapshot.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "core/ids.hpp"

namespace autotune::symbols {

// Of one address: a part of the symbolizer's frames.
struct Chain {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

struct SeenProcess {
    ProcessSnapshot snapshot;
    std::uint64_t reads = 0;   // of its mappings
    std::uint32_t misses = 0;  // addresses outside all mappings since one was last found by reading again
    std::unordered_map<std::uint64_t, Chain> frames;  // of addresses; empty whenever the mappings have been read anew
    JitSymbols jit;
    std::uint64_t jit_reads = 0;  // `reads` when an address in no mapping was last looked for in the JIT's map
    bool jit_refused = false;     // and counted
    bool has_jvm = false;
    std::vector<Mapping> told;  // mappings that were spoken of, perhaps gone by now
    bool told_counts = false;   // … also where another one is found now
    std::list<ProcessId>::iterator use;
};

class SeenProcesses {
public:
    // `modules` outlives it: files that are mapped are kept open there.
    SeenProcesses(std::string proc, std::size_t most, ModuleCache& modules)
        : proc_(std::move(proc)), most_(most), modules_(modules) {}

    // Valid until the next call.
    SeenProcess& find(const ProcessId& id);
    // As Symbolizer's of those names.
    void replaced(const ProcessId& id, const Program& program);
    void refresh(const ProcessId& id);
    void told(const ProcessId& id, const std::vector<Mapping>& mappings, bool counts);
    bool mapped(const ProcessId& id, const Mapping& mapping);
    const Mapping* mapping_at(const ProcessId& id, SeenProcess& p, std::uint64_t address);

    void forget_frames();
    // Another one whenever frames of some process were forgotten, or a process was.
    [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }
    // To be read again, should the processes go on. What is left, in bytes.
    std::size_t drop_jits_but(const SeenProcess& keep);

private:
    void read(const ProcessId& id, SeenProcess& p);
    void add_told(const ProcessId& id, SeenProcess& p);
    using Place = std::pair<Mapping, std::optional<FileIdentity>>;
    static std::vector<Place> places_of(const ProcessSnapshot& snapshot);
    void take_places(SeenProcess& p, std::vector<Place> places);
    ProcessSnapshot from_program(const Program& program);
    std::optional<FileIdentity> pin(const ProcessId& id, const Mapping& m);
    void shrink();
    void forget_frames_of(SeenProcess& p);

    std::string proc_;
    std::size_t most_;
    ModuleCache& modules_;
    std::unordered_map<ProcessId, SeenProcess> processes_;
    std::list<ProcessId> uses_;  // most recent first
    std::uint64_t forgotten_ = 0;
};

}  // namespace autotune::symbols
