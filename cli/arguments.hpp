// Reading the arguments of a command, with one line for what is wrong with them.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace autotune::cli {

// Reads `argv` into what `app` is bound to; the app's name is that of the command, "autotune host". Returns
// the exit status if the command is over: help was asked for and printed on stdout, or the arguments are
// wrong and one line on stderr says how.
[[nodiscard]] std::optional<int> read_arguments(CLI::App& app, int argc, char** argv);

// A check of an option: what is wrong with a text that should be a number above 0; empty when nothing is.
[[nodiscard]] std::string above_zero(const std::string& text);

}  // namespace autotune::cli
