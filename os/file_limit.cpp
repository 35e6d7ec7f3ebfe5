#include "os/file_limit.hpp"

#include <sys/resource.h>

namespace autotune {

namespace {
rlimit before{};
bool raised = false;
}  // namespace

void raise_file_limit() {
    if (raised || ::getrlimit(RLIMIT_NOFILE, &before) != 0) return;
    const rlimit more{.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
    raised = ::setrlimit(RLIMIT_NOFILE, &more) == 0;
}

void restore_file_limit() {
    if (raised) (void)::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace autotune
