// DebugLines: from an address of a file to the functions and source lines there, those inlined into each other too, by
// its DWARF. libdw stays in the .cpp. One thread.
//
// A compilation unit is read when the first address in it is asked for. Total: damaged DWARF gives fewer places, which
// is counted; DWARF that refers to itself in circles ends at a bound (entries of a unit, depth, units). What a file may
// cost is bounded: its debug sections are held in memory, decompressed (not mapped: a file that is cut while it is
// mapped would kill us), and a file with more than that is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune::symbols {

struct CodePlace {
    std::string function;    // mangled where the DWARF has it so; "" when it has no name
    std::string file;        // "" and 0 when there is no line
    std::uint32_t line = 0;
};

class DebugLines {
public:
    // Errors: not_found (no DWARF), corrupt, resource_exhausted (more than `max_bytes`).
    [[nodiscard]] static Result<DebugLines> open(Fd fd, std::size_t max_bytes);
    ~DebugLines();
    DebugLines(DebugLines&&) noexcept;
    DebugLines& operator=(DebugLines&&) noexcept;

    // Innermost first: what was inlined, then the function that it was inlined into; each with the line that is
    // executed in it. Empty when the DWARF does not describe the address.
    [[nodiscard]] std::vector<CodePlace> at(std::uint64_t address);

    [[nodiscard]] std::size_t bytes() const;         // memory held, about
    [[nodiscard]] std::uint64_t damaged() const;     // units of which not everything could be read

private:
    struct State;
    explicit DebugLines(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace autotune::symbols
