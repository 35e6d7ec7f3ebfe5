// Where a return probe would harm the program, and how a call's end is seen there instead. Pure.
//
// A return probe puts an address of the kernel's in place of the one that the function would return to. Whoever
// else looks at that address then goes wrong: setjmp keeps it and goes there a second time; an exception or the end
// of a thread walks the stack by it, and stops; coroutines return in another order than they were called in; and
// where there is no return address, as at a program's first instruction, something else is overwritten.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/native/program_file.hpp"

namespace autotune::native {

enum class EndRule : std::uint8_t {
    return_probe,
    exit_sites,   // each instruction that leaves the function is probed
    entry_alone,  // the call ends when the stack is seen to be above it
};

struct EndChoice {
    EndRule rule = EndRule::return_probe;
    std::string_view because;  // for people, of what is no return probe: "it returns twice"
};

// For the whole file, and for one of its functions by its linkage name. The function's own rule goes first.
[[nodiscard]] EndChoice end_rule(const ProgramFile& file);
[[nodiscard]] EndChoice end_rule(std::string_view linkage_name);

}  // namespace autotune::native
