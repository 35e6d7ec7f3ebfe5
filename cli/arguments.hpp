// Reading the arguments of a command, with one line for what is wrong with them.
#pragma once

#include <optional>

namespace CLI {
class App;
}

namespace autotune::cli {

// Reads `argv` into what `app` is bound to; the app's name is that of the command, "autotune host". Returns
// the exit status if the command is over: help was asked for and printed on stdout, or the arguments are
// wrong and one line on stderr says how.
[[nodiscard]] std::optional<int> read_arguments(CLI::App& app, int argc, char** argv);

}  // namespace autotune::cli
