// How far a poll's events reach: whoever puts them in order with another source's events relies on it.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>

#include "os/fd.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

// Not so often that a look does not come to the end.
int write_for_ever() {
    const Fd fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    while (write(fd.get(), "x", 1) == 1) usleep(20);
    return 1;
}

// Faster than it is read.
int write_without_pause() {
    const Fd fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    while (write(fd.get(), "x", 1) == 1) {
    }
    return 1;
}

TEST(BpfToldUntil, IsBeforeTheLastLook) {
    AUTOTUNE_NEEDS_BPF();
    const OwnCgroup cgroup("until");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [] { return write_for_ever(); });
    bool has_later = false;  // what happened during the look
    const Timestamp end = r.clock.now() + std::chrono::seconds(60);
    for (int polls = 0; polls < 20 || !has_later; ++polls) {
        ASSERT_LT(r.clock.now(), end) << "nothing ever happened during a look";
        r.batch.events.clear();
        const Timestamp before = r.clock.now();
        const auto polled = r.source->poll(Nanos(0), r.batch);
        ASSERT_TRUE(polled);
        ASSERT_TRUE(polled->told_until);
        EXPECT_GE(*polled->told_until, before);
        for (const Event& event : r.batch.events)
            has_later |= std::holds_alternative<IoDone>(event.body) && event.at > *polled->told_until;
    }
}

TEST(BpfToldUntil, GoesOnWhereThereIsAlwaysMore) {
    AUTOTUNE_NEEDS_BPF();
    const OwnCgroup cgroup("flooded");
    Recorder r({cgroup.path()});
    WatchedChild one(cgroup, [] { return write_without_pause(); }), other(cgroup, [] { return write_without_pause(); });
    std::optional<Timestamp> told_until;
    for (int polls = 0; polls < 5; ++polls) {
        r.batch.events.clear();
        ASSERT_TRUE(r.poll_until([&] { return r.batch.events.size() >= 1'000; }));
        const auto polled = r.source->poll(Nanos(0), r.batch);
        ASSERT_TRUE(polled && polled->told_until);
        EXPECT_GT(*polled->told_until, told_until.value_or(Timestamp::min()));
        told_until = polled->told_until;
    }
}

}  // namespace
}  // namespace autotune::test
