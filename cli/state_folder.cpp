#include "cli/state_folder.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "os/file.hpp"

namespace autotune::cli {

std::filesystem::path default_state_folder() {
    if (::geteuid() == 0) return "/var/lib/autotune";
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0')
        return std::filesystem::path(state) / "autotune";
    const char* home = std::getenv("HOME");
    return std::filesystem::path(home != nullptr ? home : "/tmp") / ".local/state/autotune";
}

Result<std::string> agent_name(const std::filesystem::path& state) {
    const std::filesystem::path file = state / "agent";
    if (auto known = read_file(file)) {
        known->erase(std::find_if(known->begin(), known->end(), [](unsigned char c) { return std::isspace(c) != 0; }), known->end());
        if (!known->empty()) return known;
    } else if (known.error().code != Errc::not_found) {
        return known.forward("the agent's name");
    }
    char host[64] = "agent";
    (void)::gethostname(host, sizeof host - 1);
    std::string name;
    for (const char c : std::string_view(host))
        name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '-';
    char random[16];
    std::snprintf(random, sizeof random, "-%08x", static_cast<unsigned>(std::random_device{}()));
    name += random;
    if (Status s = replace_file(file, name + "\n"); !s) return s.forward("the agent's name");
    return name;
}

}  // namespace autotune::cli
