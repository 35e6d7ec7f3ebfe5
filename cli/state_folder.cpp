#include "cli/state_folder.hpp"

#include <unistd.h>

#include <cstdlib>

namespace autotune::cli {

std::filesystem::path default_state_folder() {
    if (::geteuid() == 0) return "/var/lib/autotune";
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0')
        return std::filesystem::path(state) / "autotune";
    const char* home = std::getenv("HOME");
    return std::filesystem::path(home != nullptr ? home : "/tmp") / ".local/state/autotune";
}

}  // namespace autotune::cli
