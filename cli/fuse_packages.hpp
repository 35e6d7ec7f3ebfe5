// Packages of the groups that autotune fuse proposes: the members' code beside the dispatcher (runtimes/group/).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/fuse_report.hpp"
#include "core/result.hpp"

namespace autotune::cli {

struct GroupPackage {
    std::string function;                // that is to have this code: somebody outside of the group calls it
    std::vector<std::string> members;
    std::filesystem::path zip, original; // the package; the function's own code, for the way back
    double memory_mb = 0;                // of the group
    std::vector<std::string> warnings;   // what of its members may not do as before, for people
};

// For each function of a group of several that is called from outside of it, or asynchronously: FOLDER/NAME.zip and
// FOLDER/NAME.original.zip. `functions`: a folder for each function, with its function.yaml, as autotune host has them.
// Modes and symbolic links of the files are kept; the members' variables are in the package. Errors: invalid_argument, with what a group cannot be made of: a name that
// is none of a function, a member without a folder, other runtimes than Python 3 or Node.js,
// or both, one variable with two values; the file system's.
[[nodiscard]] Result<std::vector<GroupPackage>> write_packages(const FuseVerdict& verdict,
                                                               const std::filesystem::path& functions,
                                                               const std::filesystem::path& folder);

// The commands that deploy them and the ones that take them back, for people.
[[nodiscard]] std::string deployment_of(const std::vector<GroupPackage>& packages);

}  // namespace autotune::cli
