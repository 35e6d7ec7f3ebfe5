// StartBuilder: marks on the way of a process (bpf/cold_wire.h) to the phases and modules of its start. Pure.
// Bounded: a start has 100,000 modules, 512 below each other, and 16,384 processes are known at once; what finds no place
// is counted.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "bpf/cold_wire.h"
#include "core/cold_start.hpp"

namespace autotune::cold {

class StartBuilder {
public:
    // In the order of time, as far as a process is concerned. Processes that nobody made meanwhile are left out.
    void add(const at_cold_mark& mark);
    // What the process really runs, where more is known than the mark says. Before its start is taken.
    void is_program(std::int32_t pid, std::string path);

    // Starts that are over: their first answer was sent, or the process has ended. Each once, in the order of their ends.
    [[nodiscard]] std::vector<ColdStart> take();
    // Those that are not, as far as they have come. Nothing is known afterwards.
    [[nodiscard]] std::vector<ColdStart> finish();
    // Processes that found no room.
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    struct Open {  // a module or file that is being run
        enum class What : std::uint8_t { node, body_of_node, closed } what{};
    };
    struct Process {
        ColdStart start;
        at_cold_mark first{}, phase_begun{}, last{};
        std::vector<at_cold_mark> begun;  // of `path`
        std::vector<StartNode> path;      // open nodes, the outermost first
        std::vector<Open> open;
        std::size_t nodes = 0;
        bool has_phase = false;
        bool over = false;
        StartNode phase;
    };
    void begin_phase(Process& p, const at_cold_mark& mark, const char* name);
    void end_phase(Process& p, const at_cold_mark& mark);
    void push(Process& p, const at_cold_mark& mark, StartNode node);
    static void pop(Process& p, const at_cold_mark& mark);
    static void close(Process& p, const at_cold_mark& mark);
    void end(Process& p, const at_cold_mark& mark);

    std::unordered_map<std::uint32_t, Process> processes_;
    std::vector<ColdStart> over_;
    std::uint64_t refused_ = 0;
};

}  // namespace autotune::cold
