// MoreFiles: while it lives, this process may have as many files open as its hard limit says. What it opens stays open
// afterwards, above the soft limit too; children that are started later keep the limit they would have had. One at a
// time in a process.
#pragma once

#include <sys/resource.h>

namespace autotune {

class MoreFiles {
public:
    MoreFiles() : known_(::getrlimit(RLIMIT_NOFILE, &before_) == 0) {
        if (!known_) return;
        const rlimit more{.rlim_cur = before_.rlim_max, .rlim_max = before_.rlim_max};
        (void)::setrlimit(RLIMIT_NOFILE, &more);
    }
    ~MoreFiles() {
        if (known_) (void)::setrlimit(RLIMIT_NOFILE, &before_);
    }
    MoreFiles(const MoreFiles&) = delete;
    MoreFiles& operator=(const MoreFiles&) = delete;

private:
    rlimit before_{};
    bool known_ = false;
};

}  // namespace autotune
