#include "cli/approvals.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <system_error>

#include "os/file.hpp"

namespace autotune::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 200;  // of who approved

fs::path file_of(const fs::path& folder, ChangeId id) {
    return folder / std::to_string(static_cast<std::int64_t>(id));
}

}  // namespace

Status leave(const fs::path& folder, const Approval& approval) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return unexpected(errno_error("making " + folder.string(), trouble.value()));
    return replace_file(file_of(folder, approval.id), approval.who + "\n");
}

std::vector<Approval> approvals_in(const fs::path& folder) {
    std::vector<Approval> out;
    std::error_code trouble;
    for (fs::directory_iterator file(folder, trouble), end; !trouble && file != end;
         file.increment(trouble)) {
        const std::string name = file->path().filename().string();
        std::int64_t id = 0;
        const auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), id);
        if (wrong != std::errc{} || rest != name.data() + name.size() || id <= 0) continue;
        std::error_code unknown;
        if (!file->is_regular_file(unknown)) continue;  // a pipe would be waited for
        std::ifstream in(file->path());
        std::string who;
        if (!std::getline(in, who)) continue;
        who.resize(std::min(who.size(), kLongestName));
        out.push_back({ChangeId(id), std::move(who)});
    }
    std::sort(out.begin(), out.end(), [](const Approval& a, const Approval& b) { return a.id < b.id; });
    return out;
}

Status forget(const fs::path& folder, ChangeId id) {
    std::error_code trouble;
    fs::remove(file_of(folder, id), trouble);
    if (trouble) return unexpected(errno_error("removing " + file_of(folder, id).string(), trouble.value()));
    return ok();
}

}  // namespace autotune::cli
