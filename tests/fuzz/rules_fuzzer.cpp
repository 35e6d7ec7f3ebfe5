// A rules file of any bytes has rules or at least one error, each at a place that people can go to.
#include <algorithm>

#include "rules/yaml/load.hpp"
#include "tests/fuzz/invariant.hpp"

namespace rules = autotune::rules;
using autotune::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const rules::Loaded loaded = rules::load(text, "fuzz.yaml");
    require(loaded.rules.has_value() != rules::has_errors(loaded.diagnostics), "rules exactly when no error");
    const auto lines = 1 + std::ranges::count(text, '\n');
    for (const rules::Diagnostic& d : loaded.diagnostics) {
        require(!d.message.empty() && d.message.find('\n') == std::string::npos, "one line of message");
        require(0 <= d.at.line && d.at.line <= lines, "the line is one of the file");
    }
    return 0;
}
