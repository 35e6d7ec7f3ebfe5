#include "cli/caller.hpp"

#include <cstdlib>

namespace autotune::cli {

std::string caller() {
    for (const char* variable : {"SUDO_USER", "USER", "LOGNAME"})
        if (const char* name = std::getenv(variable); name != nullptr && *name != '\0') return name;
    return "somebody";
}

}  // namespace autotune::cli
