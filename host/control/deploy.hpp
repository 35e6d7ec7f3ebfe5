// Deploying folders: every subfolder of DIR with a function.yaml becomes a function at start.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "core/result.hpp"
#include "host/control/registry.hpp"

namespace autotune::host {

// Creates what does not exist, updates what changed on disk since it was last deployed, and leaves the
// rest alone: what was changed through the API meanwhile (a memory size, an alias moved) stays. An alias of
// the manifest is made when absent, never moved. A function whose folder has gone stays.
// `note` gets a line for each thing done. Errors: the first folder that cannot be deployed, with its
// path; functions before it are deployed.
Status deploy_folders(Registry& registry, const std::filesystem::path& directory,
                      const std::function<void(std::string_view)>& note);

}  // namespace autotune::host
