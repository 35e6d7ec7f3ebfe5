// Nothing is lost silently: what the kernel side wanted to tell is what was told and what was counted lost.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "os/fd.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfLosses : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }
    static int write_often(int times) {
        const Fd fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
        for (int i = 0; i < times; ++i)
            if (write(fd.get(), "x", 1) != 1) return 1;
        return 0;
    }
};

TEST_F(BpfLosses, OfATinyRingAddUpExactly) {
    const OwnCgroup cgroup("loss");
    Recorder r({cgroup.path()}, {.ring_bytes = 4096});
    WatchedChild child(cgroup, [] { return write_often(10'000); });
    child.wait();  // nobody reads meanwhile
    ASSERT_TRUE(r.poll_until([&] { return !r.of<Lost>().empty(); }));
    ASSERT_TRUE(r.source->poll(Nanos(0), r.batch));

    const SourceHealth health = r.source->health();
    std::uint64_t lost = 0;
    for (const Lost& l : r.of<Lost>()) {
        EXPECT_EQ(l.kind, LossKind::ring_full);
        lost += l.count;
    }
    EXPECT_GT(lost, 9'000u);
    EXPECT_GT(health.records_received, 10u);
    EXPECT_EQ(health.records_attempted, health.records_received + lost);
    EXPECT_EQ(health.lost[static_cast<std::size_t>(LossKind::ring_full)], lost);
}

TEST_F(BpfLosses, AddUpExactlyWhileSeveralCoresWriteAndWeRead) {
    const OwnCgroup cgroup("flood");
    Recorder r({cgroup.path()}, {.ring_bytes = 64 << 10});
    constexpr int writers = 3, each = 20'000;
    std::vector<std::unique_ptr<WatchedChild>> children;
    for (int i = 0; i < writers; ++i)
        children.push_back(std::make_unique<WatchedChild>(cgroup, [] { return write_often(each); }));
    ASSERT_TRUE(r.poll_until(
        [&] { return std::ranges::all_of(children, [](const auto& child) { return child->has_ended(); }); }));
    ASSERT_TRUE(r.source->finish(r.batch));
    std::uint64_t lost = 0;
    for (const Lost& l : r.of<Lost>()) lost += l.count;
    const SourceHealth health = r.source->health();
    EXPECT_GE(health.records_attempted, std::uint64_t{writers} * each);
    EXPECT_EQ(health.records_attempted, health.records_received + lost);
}

TEST_F(BpfLosses, DoNotHappenWhenTheRingIsLargeEnough) {
    const OwnCgroup cgroup("noloss");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [] { return write_often(10'000); });
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::int64_t bytes = 0;
    for (const IoDone& io : r.of<IoDone>(child.pid()))
        if (io.op == IoOp::write && r.text(io.path) == "/dev/null") bytes += io.result;
    EXPECT_EQ(bytes, 10'000);
    EXPECT_TRUE(r.of<Lost>().empty());
    EXPECT_EQ(r.source->health().records_attempted, r.source->health().records_received);
}

TEST_F(BpfLosses, OfWhatIsShedAreCountedCallByCall) {
    const OwnCgroup cgroup("shed");
    Detail detail{.cgroups = {cgroup.path()}};
    Recorder r(detail);
    detail.shed.files = true;
    ASSERT_TRUE(r.source->focus(detail));
    WatchedChild child(cgroup, [] { return write_often(1'000); });
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    ASSERT_TRUE(r.source->poll(Nanos(0), r.batch));
    EXPECT_TRUE(r.of<IoDone>(child.pid()).empty());
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).size(), 1u);  // never shed
    std::uint64_t shed = 0;
    for (const Lost& l : r.of<Lost>()) shed += l.kind == LossKind::shed ? l.count : 0;
    EXPECT_GE(shed, 1'001u);
    EXPECT_LT(shed, 1'020u);  // the child itself opens and closes a little
    EXPECT_EQ(r.source->health().lost[static_cast<std::size_t>(LossKind::shed)], shed);
    detail.shed.files = false;
    ASSERT_TRUE(r.source->focus(detail));
    WatchedChild later(cgroup, [] { return write_often(1'000); });
    later.wait();
    ASSERT_TRUE(r.poll_until_exit(later.pid()));
    EXPECT_GE(r.of<IoDone>(later.pid()).size(), 1'001u);
}

TEST_F(BpfLosses, RunTimeIsMeasuredOnRequest) {
    const OwnCgroup cgroup("runtime");
    constexpr double most = 20'000 * 20e-6;
    double seconds = most;
    // One of five: what interrupts a program counts as its run time.
    for (int attempt = 0; attempt < 5 && seconds >= most; ++attempt) {
        Recorder r({cgroup.path()}, {.run_time = RunTimeStatistics::on});
        WatchedChild child(cgroup, [] { return write_often(10'000); });
        child.wait();
        ASSERT_TRUE(r.poll_until_exit(child.pid()));
        seconds = r.source->bpf_run_seconds();
        EXPECT_GT(seconds, 20'000 * 50e-9);
    }
    EXPECT_LT(seconds, most);
}

}  // namespace
}  // namespace autotune::test
