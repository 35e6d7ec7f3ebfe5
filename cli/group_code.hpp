// The code of a group: its members, each in a folder of its own, and the dispatcher by which they call each other (runtimes/group/).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace autotune::cli {

// What every such package has beside its members, by which it is known again.
inline constexpr const char* kGroupConfig = "autotune_group.json";

struct GroupMember {
    std::string name, handler;
    bool is_node = false;  // else Python
    std::uint32_t timeout_s = 0;
    std::filesystem::path code;  // folder
};

struct GroupCode {
    std::vector<GroupMember> members;                    // not empty
    std::map<std::string, std::string> variables = {};   // as readable as the code
    std::vector<std::string> qualifiers = {"live"};      // with which a member is called inside, too
};

// Where the member's code is in the package: "members/NAME/".
[[nodiscard]] std::string folder_of_member(const std::string& name);

// The archive that `entry` is to have. `handler`: what its deployment has as its handler and keeps: a module of that name hands
// over to the dispatcher; "": the deployment gets autotune_group.handler. Errors: invalid_argument, with what it cannot be made
// of: Python and Node.js, a handler that is none; else of reading.
[[nodiscard]] Result<std::string> pack_group(const GroupCode& code, const std::string& entry, const std::string& handler = "");

}  // namespace autotune::cli
