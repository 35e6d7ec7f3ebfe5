// Diagnostic: what is wrong with a rules file, and where. Printed as `file:line:column: message`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::rules {

// 1-based; columns count bytes. Line 0: the file as a whole.
struct Position {
    int line = 0;
    int column = 0;
    bool operator==(const Position&) const = default;
};

struct Diagnostic {
    enum class Kind : std::uint8_t { error, warning } kind = Kind::error;
    Position at;
    std::string message;  // one line, no trailing full stop
    std::string file;     // where that is not the one that was asked for: an included one
};

// `file`: the one that was asked for. "rules.yaml:3:1: unknown key …"; warnings say so: "rules.yaml:3:1: warning: …".
[[nodiscard]] std::string format(const Diagnostic& diagnostic, std::string_view file);
[[nodiscard]] bool has_errors(const std::vector<Diagnostic>& diagnostics);
// Words of the file that a message repeats may hold line breaks and a terminal's commands: they become spaces.
void keep_on_one_line(std::vector<Diagnostic>& diagnostics);

}  // namespace autotune::rules
