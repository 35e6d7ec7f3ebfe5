#include "cli/profile_allocations.hpp"

#include <poll.h>

#include <utility>

#include "cli/profile_subject.hpp"
#include "cli/python_allocations.hpp"

namespace autotune::cli {

Result<LiveProfile> profile_allocations(const ProfileTarget& target, bool& command_refused) {
    auto told = PythonAllocations::prepare(target);
    if (!told) return told.forward();
    auto subject = ProfileSubject::prepare(target, command_refused, told->environment());
    if (!subject) return subject.forward();
    for (const std::int32_t pid : target.pids)
        if (Status s = told->bring_into(pid); !s) return s.forward();
    if (Status s = subject->begin(command_refused); !s) return s.forward();
    while (!subject->is_over()) {
        told->look();
        (void)::poll(nullptr, 0, static_cast<int>(kProfilePoll.count() / 1'000'000));
    }
    LiveProfile out;
    out.took = subject->took();
    out.status = subject->status();
    told->finish();
    if (told->files().processes() == 0) return unexpected(told->nothing_told());
    out.notes = told->notes();
    out.samples = told->files().counts().blocks;
    const bool held = target.python_memory == PythonMemory::in_use;
    out.profile = std::move(*told).take(title_of(target) + (held ? " (CPython's memory in use)" : " (CPython's allocations)"));
    return out;
}

}  // namespace autotune::cli
