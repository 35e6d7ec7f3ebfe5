#include "cli/deployments.hpp"

#include <algorithm>
#include <system_error>
#include <variant>

#include "host/control/digest.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace fs = std::filesystem;

Status leave(const fs::path& folder, Action action, std::string_view zip) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return unexpected(errno_error("making " + folder.string(), trouble.value()));
    auto& deploy = std::get<Deploy>(action.change);
    deploy.code_hash = host::sha256_base64(zip);
    const fs::path package = fs::absolute(folder) / (host::file_name_of(deploy.code_hash) + ".zip");
    deploy.package = package.string();
    deploy.request = host::random_uuid();
    if (const Status kept = replace_file(package, zip); !kept) return kept;
    return leave(folder, action);
}

std::vector<LeftAction> deployments_in(const fs::path& folder) {
    std::vector<LeftAction> found = actions_in(folder);
    std::erase_if(found, [](const LeftAction& left) { return !std::holds_alternative<Deploy>(left.action.change); });
    return found;
}

void sweep_packages(const fs::path& folder, const std::vector<std::string>& needed) {
    const auto left = deployments_in(folder);
    for (const fs::path& file : files_in(folder, ".zip")) {
        const auto names = [&](const std::string& path) { return fs::path(path).filename() == file.filename(); };
        const bool wanted = std::any_of(needed.begin(), needed.end(), names) ||
                            std::any_of(left.begin(), left.end(), [&](const LeftAction& d) {
                                return names(std::get<Deploy>(d.action.change).package);
                            });
        std::error_code ignored;
        if (!wanted) fs::remove(file, ignored);
    }
}

}  // namespace autotune::cli
