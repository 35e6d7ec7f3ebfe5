// What a developer types to come to an invocation that is held. Pure.
#pragma once

#include <string>

#include "core/time.hpp"
#include "host/breaks/breaks.hpp"

namespace autotune::cli {

// What this machine has.
struct DeskTools {
    std::string privilege;  // "sudo " where it needs that to attach, else ""
    bool netcat = true;     // there is a program nc
};

// Some lines, each with its newline. `held`: what the host tells of a break that holds an invocation.
[[nodiscard]] std::string break_advice(const host::BreakView& held, const DeskTools& tools);

// "10 min", "1 min 30 s", "2.50 s"
[[nodiscard]] std::string plain_time(Nanos time);

}  // namespace autotune::cli
