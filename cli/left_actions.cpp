#include "cli/left_actions.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "core/time.hpp"
#include "host/control/digest.hpp"
#include "knowledge/action_json.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace fs = std::filesystem;

namespace {

// A function's name is letters, digits, "-" and "_", or an ARN: never a way out of the folder.
std::string file_name_of(std::string name) {
    std::replace(name.begin(), name.end(), '/', '_');
    return name;
}

std::string function_of(const fs::path& file) {
    const std::string stem = file.stem().string();
    return stem.substr(0, stem.rfind('@'));
}

std::string stamp_in(const fs::path& file) {
    const std::string stem = file.stem().string();
    const std::size_t at = stem.rfind('@');
    return at == std::string::npos ? "" : stem.substr(at + 1);
}

// So wide that names sort as times do.
std::string stamp_of(std::int64_t ns) {
    std::string digits = std::to_string(ns);
    return std::string(20 - std::min<std::size_t>(20, digits.size()), '0') + digits;
}

}  // namespace

std::vector<fs::path> files_in(const fs::path& folder, std::string_view extension) {
    std::vector<fs::path> found;
    std::error_code trouble, unknown;
    for (fs::directory_iterator file(folder, trouble), end; !trouble && file != end; file.increment(trouble))
        if (file->path().extension() == extension && file->is_regular_file(unknown))  // a pipe would be waited for
            found.push_back(file->path());
    std::sort(found.begin(), found.end());
    return found;
}

Status leave(const fs::path& folder, Action action) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return unexpected(errno_error("making " + folder.string(), trouble.value()));
    if (action.request.empty()) action.request = host::random_uuid();
    const std::string name = file_name_of(action.target.name);
    std::vector<fs::path> earlier = files_in(folder, ".json");
    std::erase_if(earlier, [&](const fs::path& file) { return function_of(file) != name; });
    // Later than each, whatever the clock says.
    std::string stamp = stamp_of(SystemClock().wall().time_since_epoch().count());
    if (!earlier.empty() && stamp <= stamp_in(earlier.back()))
        stamp = stamp_of(std::strtoll(stamp_in(earlier.back()).c_str(), nullptr, 10) + 1);
    if (Status left = replace_file(folder / (name + "@" + stamp + ".json"), to_json(action) + "\n"); !left) return left;
    for (const fs::path& file : earlier) fs::remove(file, trouble);  // begun meanwhile, or not: it is out of date
    return ok();
}

std::vector<LeftAction> actions_in(const fs::path& folder) {
    std::vector<LeftAction> found;
    for (const fs::path& file : files_in(folder, ".json")) {
        const auto text = read_file(file);
        if (!text) continue;
        auto action = action_from_json(*text);
        if (!action) continue;
        const bool is_later = !found.empty() && function_of(found.back().file) == function_of(file);
        if (is_later) found.pop_back();
        found.push_back({file, *std::move(action)});
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
