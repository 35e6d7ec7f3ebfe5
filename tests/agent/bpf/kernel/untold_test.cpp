// One in so many invocations told, for the budget: which ones, and what is told of those that end badly.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <optional>
#include <set>

#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/speaker.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

constexpr int kInvocations = 400;
constexpr std::uint32_t kOneIn = 16;

// `calls`: those on files and sockets are given up too.
class BpfUntold : public ::testing::TestWithParam<bool> {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }
    static Detail few(const OwnCgroup& cgroup) {
        Detail detail{.cgroups = {cgroup.path()}};
        detail.shed.told_one_in = kOneIn;
        detail.shed.files = detail.shed.sockets = GetParam();
        return detail;
    }
};

TEST_P(BpfUntold, ThoseThatEndWellAreToldByChanceAndStandForTheOthers) {
    const OwnCgroup cgroup("untold");
    Recorder r(few(cgroup));
    FakeRuntimeApi api(work(kInvocations), 1);
    WatchedChild child(cgroup, [&] {
        Speaker speaker(api.port());
        for (int n = 0; n < kInvocations; ++n) speaker.post(speaker.next(), "/response");
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    ASSERT_TRUE(r.source->poll(Nanos(0), r.batch));
    const auto started = r.of<InvocationStarted>(child.pid());
    const auto ended = r.of<InvocationEnded>(child.pid());
    ASSERT_EQ(started.size(), ended.size());
    ASSERT_GE(started.size(), 5U);   // 25.9 ± 4.8, one time in a million beyond
    ASSERT_LE(started.size(), 55U);
    EXPECT_EQ(started[0].id.view(), id_of(0));  // the first of a process is the cold one
    for (std::size_t i = 0; i < started.size(); ++i) {
        EXPECT_EQ(started[i].id, ended[i].id);
        EXPECT_EQ(r.text(started[i].function), "orders");
        EXPECT_EQ(started[i].stands_for, i == 0 ? 1U : kOneIn);
    }
    if (GetParam()) return;
    std::uint64_t shed = 0;
    for (const Lost& l : r.of<Lost>()) shed += l.kind == LossKind::shed ? l.count : 0;
    EXPECT_EQ(shed, kInvocations - started.size());
}

TEST_P(BpfUntold, AFailureIsToldWithItsBeginning) {
    const OwnCgroup cgroup("failures");
    Recorder r(few(cgroup));
    FakeRuntimeApi api(work(100), 1);
    WatchedChild child(cgroup, [&] {
        Speaker speaker(api.port());
        for (int n = 0; n < 100; ++n) speaker.post(speaker.next(), n % 5 == 4 ? "/error" : "/response");
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::set<std::string> begun;
    for (const Event& e : r.events_of<InvocationStarted>(child.pid()))
        begun.insert(std::get<InvocationStarted>(e.body).id.str());
    int failures = 0;
    for (const InvocationEnded& e : r.of<InvocationEnded>(child.pid())) {
        EXPECT_TRUE(begun.contains(e.id.str())) << e.id.view();
        failures += e.kind == EndKind::error;
    }
    EXPECT_EQ(failures, 20);
}

TEST_P(BpfUntold, ADeathIsToldWithTheInvocationThatItEnds) {
    const OwnCgroup cgroup("deaths");
    Recorder r(few(cgroup));
    Shared<Timestamp> asked;  // before the last one
    for (int death = 0; death < 5; ++death) {
        FakeRuntimeApi api(work(20), 1);
        WatchedChild child(cgroup, [&] {
            Speaker speaker(api.port());
            for (int n = 0; n < 19; ++n) speaker.post(speaker.next(), "/response");
            *asked = SystemClock().now();
            speaker.next();
            kill(getpid(), SIGKILL);
            return 0;
        });
        child.wait();
        ASSERT_TRUE(r.poll_until_exit(child.pid()));
        std::optional<Timestamp> begun, died;
        for (const Event& e : r.batch.events) {
            if (e.process.pid != child.pid()) continue;
            if (const auto* s = std::get_if<InvocationStarted>(&e.body); s && s->id.view() == id_of(19)) {
                begun = e.at;
                EXPECT_FALSE(died);
            }
            if (std::holds_alternative<ProcessExited>(e.body)) died = e.at;
        }
        ASSERT_TRUE(begun);
        ASSERT_TRUE(died);
        EXPECT_LE(*asked, *begun);
        EXPECT_LT(*begun, *died);
    }
}

TEST_P(BpfUntold, AllAreToldOfAProcessThatHasSeveralAtOnce) {
    const OwnCgroup cgroup("atonce");
    Recorder r(few(cgroup));
    FakeRuntimeApi one(work(60), 1), other(work(60), 1);
    WatchedChild child(cgroup, [&] {
        Speaker a(one.port()), b(other.port());
        for (int n = 0; n < 60; ++n) {
            const std::string first = a.next(), second = b.next();
            a.post(first, "/response");
            b.post(second, "/response");
        }
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_GE(r.of<InvocationEnded>(child.pid()).size(), 118U);  // the second shows what it is
    for (const InvocationStarted& s : r.of<InvocationStarted>(child.pid())) EXPECT_EQ(s.stands_for, 1U);
}

TEST_P(BpfUntold, AllAreToldAgainAsSoonAsTheyAreWanted) {
    const OwnCgroup cgroup("again");
    Detail detail = few(cgroup);
    Recorder r(detail);
    FakeRuntimeApi api(work(100), 1);
    Shared<std::atomic<int>> phase;
    WatchedChild child(cgroup, [&] {
        Speaker speaker(api.port());
        for (int n = 0; n < 50; ++n) speaker.post(speaker.next(), "/response");
        *phase = 1;
        while (*phase != 2) usleep(1000);
        for (int n = 0; n < 50; ++n) speaker.post(speaker.next(), "/response");
        return 0;
    });
    ASSERT_TRUE(r.poll_until([&] { return *phase == 1; }));
    detail.shed.told_one_in = 1;
    ASSERT_TRUE(r.source->focus(detail));
    *phase = 2;
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    int later = 0;
    for (const InvocationEnded& e : r.of<InvocationEnded>(child.pid()))
        later += e.id.view() >= std::string_view(id_of(50));
    EXPECT_EQ(later, 50);
}

INSTANTIATE_TEST_SUITE_P(Calls, BpfUntold, ::testing::Bool(),
                         [](const auto& with) { return with.param ? "GivenUpToo" : "Told"; });

}  // namespace
}  // namespace autotune::test
