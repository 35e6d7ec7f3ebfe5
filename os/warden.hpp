// Warden: a tiny process that waits for this one to die and then kills a whole cgroup.
//
// PR_SET_PDEATHSIG reaches only direct children; what those have started lives on. The warden's one
// write to cgroup.kill gets all of them, also after `kill -9` of the host.
#pragma once

#include <utility>

#include "core/result.hpp"
#include "os/cgroup.hpp"
#include "os/fd.hpp"

namespace autotune {

class Warden {
public:
    // Starts it. It is outside `cgroup`, in a session of its own, and holds no other descriptor.
    // Errors: unsupported where the kernel has no cgroup.kill (before 5.14).
    static Result<Warden> watch_over(const Cgroup& cgroup);
    ~Warden();  // dismisses it; the cgroup is left alone
    Warden(Warden&&) noexcept = default;

private:
    explicit Warden(Fd pidfd) : pidfd_(std::move(pidfd)) {}
    Fd pidfd_;
};

}  // namespace autotune
