#include "cli/deployments.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <variant>

#include "host/control/digest.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace fs = std::filesystem;

namespace {
// A package is this until its action names it: so none is swept in between.
fs::path coming(fs::path package) { return package += ".part"; }
}  // namespace

Status leave(const fs::path& folder, Action action, std::string_view zip) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return unexpected(errno_error("making " + folder.string(), trouble.value()));
    auto& deploy = std::get<Deploy>(action.change);
    deploy.code_hash = host::sha256_base64(zip);
    const fs::path package = fs::absolute(folder) / (host::file_name_of(deploy.code_hash) + ".zip");
    deploy.package = package.string();
    if (const Status kept = replace_file(coming(package), zip); !kept) return kept;
    if (const Status left = leave(folder, std::move(action)); !left) return left;
    fs::rename(coming(package), package, trouble);
    // The agent may have been quicker.
    if (trouble && !fs::exists(package)) return unexpected(errno_error("naming " + package.string(), trouble.value()));
    return ok();
}

std::vector<LeftAction> deployments_in(const fs::path& folder) {
    std::vector<LeftAction> found = actions_in(folder);
    std::erase_if(found, [](const LeftAction& left) { return !std::holds_alternative<Deploy>(left.action.change); });
    for (const LeftAction& left : found) {  // of somebody who died in between
        const fs::path package = std::get<Deploy>(left.action.change).package;
        std::error_code none;
        fs::rename(coming(package), package, none);
    }
    return found;
}

void sweep_packages(const fs::path& folder, const std::vector<std::string>& needed) {
    const auto packages = files_in(folder, ".zip");  // before the actions: one that comes now has its action already
    const auto left = deployments_in(folder);
    for (const fs::path& file : packages) {
        const auto names = [&](const std::string& path) { return fs::path(path).filename() == file.filename(); };
        const bool wanted = std::any_of(needed.begin(), needed.end(), names) ||
                            std::any_of(left.begin(), left.end(), [&](const LeftAction& d) {
                                return names(std::get<Deploy>(d.action.change).package);
                            });
        std::error_code ignored;
        if (!wanted) fs::remove(file, ignored);
    }
}

void sweep_groups(const fs::path& folder, const std::vector<std::string>& needed) {
    std::error_code none;
    for (fs::directory_iterator at(folder, none), end; !none && at != end; at.increment(none)) {
        const bool wanted = std::any_of(needed.begin(), needed.end(), [&](const std::string& path) {
            return fs::path(path).filename() == at->path().filename();
        });
        std::error_code ignored;
        const auto made = at->last_write_time(ignored);
        if (!wanted && !ignored && fs::file_time_type::clock::now() - made >= std::chrono::hours(1)) fs::remove_all(at->path(), ignored);
    }
}

}  // namespace autotune::cli
