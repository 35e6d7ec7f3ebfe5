// TracedProcess: is the process that made a ring still the one that has its pid, and does it run?
#pragma once

#include <cstdint>
#include <string>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "os/fd.hpp"
#include "runtimes/ring.h"

namespace autotune::runtime {

class TracedProcess {
public:
    // Who wrote the ring. `pid`: where it is known from elsewhere; 0: the ring's own word, which a process of
    // another pid namespace is looked up by. A process that has gone is one that has ended.
    [[nodiscard]] static TracedProcess find(const at_ring_header& header, std::int32_t pid,
                                            const std::string& proc = "/proc");

    [[nodiscard]] const ProcessId& id() const { return id_; }
    [[nodiscard]] CgroupId cgroup() const { return cgroup_; }
    // Readable (poll) once the process has ended; -1 when it has, or where there are no pidfds.
    [[nodiscard]] int pidfd() const { return pidfd_.get(); }
    [[nodiscard]] bool running() const;

private:
    ProcessId id_;
    CgroupId cgroup_{};
    Fd pidfd_;
};

}  // namespace autotune::runtime
