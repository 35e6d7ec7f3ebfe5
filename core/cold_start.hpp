// ColdStart: how one process started, phase by phase, and within them module by module. Self-contained.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/profile.hpp"
#include "core/time.hpp"

namespace autotune {

struct StartCost {
    Nanos time{0};
    Nanos cpu{0};                    // of the thread that starts it
    std::uint64_t files = 0;         // opened
    std::uint64_t read_bytes = 0;    // by read and its like, of anything
    std::uint64_t mapped_bytes = 0;  // of files
    std::uint64_t minor_faults = 0, major_faults = 0;
    std::int64_t memory = 0;         // resident memory more than before, or less; bytes, some pages inexact

    StartCost& operator+=(const StartCost& other);
    StartCost& operator-=(const StartCost& other);
};

enum class StartKind : std::uint8_t {
    phase,   // "fork", "exec", "loader", "runtime", "program", "ready", "handler"
    module,  // an import
    body,    // the code of a file that was run: the main program, or a module that was imported unseen
};

struct StartNode {
    StartKind kind = StartKind::phase;
    std::string name;  // phase, module, or the file
    std::string file;  // of a module, where known; of a phase the program
    Nanos at{0};       // since the process was made
    StartCost total, self;  // self: without what is below
    std::vector<StartNode> below;
};

struct ColdStart {
    std::int32_t pid = 0;
    std::int32_t parent = 0;
    std::string program;  // path of what it became last
    bool answered = false;  // up to its first answer; else up to its end, or as far as was seen
    StartCost total;
    std::vector<StartNode> phases;  // one after the other
    std::uint64_t unclosed = 0;     // modules whose end was not seen before the phase's
    std::uint64_t left_out = 0;     // modules and files that found no place: too deep, or too many; their time is the one's above
};

// Time by phase and module, as stacks.
[[nodiscard]] Profile profile_of(const std::vector<ColdStart>& starts);

}  // namespace autotune
