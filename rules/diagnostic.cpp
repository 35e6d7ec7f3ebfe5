#include "rules/diagnostic.hpp"

#include <algorithm>

namespace autotune::rules {

std::string format(const Diagnostic& diagnostic, std::string_view file) {
    std::string out = diagnostic.file.empty() ? std::string(file) : diagnostic.file;
    if (diagnostic.at.line > 0)
        out += ":" + std::to_string(diagnostic.at.line) + ":" + std::to_string(diagnostic.at.column);
    out += ": ";
    if (diagnostic.kind == Diagnostic::Kind::warning) out += "warning: ";
    return out + diagnostic.message;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
    return std::any_of(diagnostics.begin(), diagnostics.end(),
                       [](const Diagnostic& d) { return d.kind == Diagnostic::Kind::error; });
}

void keep_on_one_line(std::vector<Diagnostic>& diagnostics) {
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    for (Diagnostic& d : diagnostics) std::replace_if(d.message.begin(), d.message.end(), is_control, ' ');
}

}  // namespace autotune::rules
