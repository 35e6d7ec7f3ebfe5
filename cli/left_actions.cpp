#include "cli/left_actions.hpp"

#include <algorithm>
#include <system_error>

#include "knowledge/action_json.hpp"
#include "os/file.hpp"

namespace autotune::cli {

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

Status leave(const fs::path& folder, const Action& action) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return unexpected(errno_error("making " + folder.string(), trouble.value()));
    // A function's name is letters, digits, "-" and "_", or an ARN: never a way out of the folder.
    std::string name = action.target.name;
    std::replace(name.begin(), name.end(), '/', '_');
    return replace_file(folder / (name + ".json"), to_json(action) + "\n");
}

std::vector<LeftAction> actions_in(const fs::path& folder) {
    std::vector<LeftAction> found;
    for (const fs::path& file : files_in(folder, ".json")) {
        const auto text = read_file(file);
        if (!text) continue;
        if (auto action = action_from_json(*text)) found.push_back({file, *std::move(action)});
    }
    return found;
}

Status forget(const LeftAction& left) {
    std::error_code trouble;
    fs::remove(left.file, trouble);
    if (trouble) return unexpected(errno_error("removing " + left.file.string(), trouble.value()));
    return ok();
}

}  // namespace autotune::cli
