#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cli/exit_status.hpp"

namespace autotune::cli {

std::optional<int> read_arguments(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::Success& asked) {  // --help
        return app.exit(asked), kDone;
    } catch (const CLI::ParseError& error) {
        // A misspelt flag is a likelier mistake than the required one that is missed for it.
        auto unknown = app.remaining(true);
        unknown.erase(std::find(unknown.begin(), unknown.end(), "--"), unknown.end());  // a command's own
        const std::string problem =
            unknown.empty() ? error.what() : "there is no argument \"" + unknown.front() + "\"";
        const std::string name = app.get_name();
        std::fprintf(stderr, "%s: %s; see %s --help\n", name.c_str(), problem.c_str(), name.c_str());
        return kUsage;
    }
}

std::string above_zero(const std::string& text) {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const bool is_number = !text.empty() && *end == '\0' && std::isfinite(number);
    return is_number && number > 0 ? "" : "\"" + text + "\" is not a number above 0";
}

}  // namespace autotune::cli
