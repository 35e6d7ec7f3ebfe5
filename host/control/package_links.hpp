// Whether the links of an unpacked package stay in it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <utility>

namespace autotune::host {

// Goes where the kernel would go, link by link, since "a/../b" is elsewhere when `a` is a link. One for all links of a
// package: there is a limit to how far it goes altogether, so that a package of many long links is no work for hours.
class LinkWalk {
public:
    // REQUIRES: `root` is as it will be read; nobody changes it meanwhile.
    explicit LinkWalk(std::filesystem::path root) : root_(std::move(root)) {}

    // Whether what `link`, a path within the root, leads to is inside, or would be if it were there. No: it leads out
    // on its way, names a place of the whole machine, goes in circles, or it is too far.
    [[nodiscard]] bool stays_inside(const std::filesystem::path& link);

private:
    std::filesystem::path root_;
    std::size_t steps_ = 0;
};

}  // namespace autotune::host
