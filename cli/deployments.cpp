#include "cli/deployments.hpp"

#include <algorithm>
#include <system_error>

#include "host/control/digest.hpp"
#include "knowledge/action_json.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& folder, std::string_view extension) {
    std::vector<fs::path> found;
    std::error_code trouble, unknown;
    for (fs::directory_iterator file(folder, trouble), end; !trouble && file != end; file.increment(trouble))
        if (file->path().extension() == extension && file->is_regular_file(unknown))  // a pipe would be waited for
            found.push_back(file->path());
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

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
    // A function's name is letters, digits, "-" and "_", or an ARN: never a way out of the folder.
    std::string name = action.target.name;
    std::replace(name.begin(), name.end(), '/', '_');
    return replace_file(folder / (name + ".json"), to_json(action) + "\n");
}

std::vector<Deployment> deployments_in(const fs::path& folder) {
    std::vector<Deployment> found;
    for (const fs::path& file : files_in(folder, ".json")) {
        const auto text = read_file(file);
        if (!text) continue;
        auto action = action_from_json(*text);
        if (action && std::holds_alternative<Deploy>(action->change)) found.push_back({file, *std::move(action)});
    }
    return found;
}

Status forget(const Deployment& deployment) {
    std::error_code trouble;
    fs::remove(deployment.file, trouble);
    if (trouble) return unexpected(errno_error("removing " + deployment.file.string(), trouble.value()));
    return ok();
}

void sweep_packages(const fs::path& folder, const std::vector<std::string>& needed) {
    const auto left = deployments_in(folder);
    for (const fs::path& file : files_in(folder, ".zip")) {
        const auto names = [&](const std::string& path) { return fs::path(path).filename() == file.filename(); };
        const bool wanted = std::any_of(needed.begin(), needed.end(), names) ||
                            std::any_of(left.begin(), left.end(), [&](const Deployment& d) {
                                return names(std::get<Deploy>(d.action.change).package);
                            });
        std::error_code ignored;
        if (!wanted) fs::remove(file, ignored);
    }
}

}  // namespace autotune::cli
