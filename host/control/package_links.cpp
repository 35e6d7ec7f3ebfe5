#include "host/control/package_links.hpp"

#include <deque>
#include <system_error>
#include <utility>
#include <vector>

namespace autotune::host {

namespace {
namespace fs = std::filesystem;

constexpr std::size_t kMostLinks = 40;         // one after the other, as the kernel follows them
constexpr std::size_t kMostSteps = 300'000;  // of all links
}  // namespace

bool LinkWalk::stays_inside(const fs::path& link) {
    std::deque<fs::path> ahead(link.begin(), link.end());
    std::vector<fs::path> here{root_};  // each with the one before, none of them a link
    std::size_t links = 0;
    while (!ahead.empty()) {
        if (++steps_ > kMostSteps) return false;
        const fs::path part = std::move(ahead.front());
        ahead.pop_front();
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (here.size() == 1) return false;
            here.pop_back();
            continue;
        }
        here.push_back(here.back() / part);
        std::error_code error;
        if (!fs::is_symlink(fs::symlink_status(here.back(), error))) continue;
        const fs::path target = fs::read_symlink(here.back(), error);
        if (error || target.is_absolute() || ++links > kMostLinks) return false;
        ahead.insert(ahead.begin(), target.begin(), target.end());
        here.pop_back();
    }
    return true;
}

}  // namespace autotune::host
