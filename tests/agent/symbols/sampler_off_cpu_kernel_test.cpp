// Time off the CPU, by stack, against what threads say of themselves.
#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <chrono>
#include <cmath>
#include <vector>

#include "tests/agent/symbols/sampler_on_kernel.hpp"

namespace autotune::symbols {
namespace {

struct Told {
    std::string what;
    std::int64_t start = 0, end = 0, ran = 0, in_long = 0, early = 0;  // ns
    [[nodiscard]] double off() const { return static_cast<double>(end - start - ran); }
};

constexpr std::size_t kAmpleRing = std::size_t{64} << 20;  // however late the agent is

std::map<ThreadId, Told> told_by(const std::string& text) {
    std::map<ThreadId, Told> told;
    std::istringstream lines(text);
    std::int32_t id = 0;
    Told one;
    while (lines >> id >> one.what >> one.start >> one.end >> one.ran >> one.in_long >> one.early) told[ThreadId{id}] = one;
    return told;
}

struct Times {
    EventBatch batch;
    std::vector<Event> samples;
    std::uint64_t lost = 0;

    void take() {
        for (const Event& event : batch.events) {
            if (const auto* loss = std::get_if<Lost>(&event.body)) lost += loss->count;
            if (std::holds_alternative<StackSample>(event.body)) samples.push_back(event);
        }
        batch.events.clear();
    }
    // ns off the CPU by leaf, of the part of each interval in which the thread gave an account of itself; only of
    // stacks that hold `function` where one is given.
    [[nodiscard]] std::map<std::string, double> off(ThreadId thread, const Told& told, const std::string& function) const {
        std::map<std::string, double> by_leaf;
        for (const Event& event : samples) {
            const auto& sample = std::get<StackSample>(event.body);
            if (event.thread != thread || sample.of != SampleOf::off_cpu) continue;
            std::vector<std::string> names;
            for (const FrameId f : batch.tables.stacks[sample.stack])
                names.emplace_back(batch.tables.strings[batch.tables.frames[f].name]);
            if (!function.empty() && std::ranges::find(names, function) == names.end()) continue;
            const std::int64_t to = std::min(to_ns(event.at), told.end);
            const std::int64_t from = std::max(to_ns(event.at) - sample.period.count(), told.start);
            if (to > from && !names.empty()) by_leaf[names[0]] += static_cast<double>(to - from);
        }
        return by_leaf;
    }
    [[nodiscard]] double at(ThreadId thread, const Told& told, const std::string& function) const {
        double sum = 0;
        for (const auto& [leaf, ns] : off(thread, told, function)) sum += ns;
        return sum;
    }
    [[nodiscard]] bool has_whole_stack_with(const std::string& function) const {
        return std::ranges::any_of(samples, [&](const Event& event) {
            const auto& sample = std::get<StackSample>(event.body);
            return !sample.truncated && std::ranges::any_of(batch.tables.stacks[sample.stack], [&](FrameId f) {
                return batch.tables.strings[batch.tables.frames[f].name] == function;
            });
        });
    }
    [[nodiscard]] double cpu(ThreadId thread) const {
        double sum = 0;
        for (const Event& event : samples)
            if (const auto& s = std::get<StackSample>(event.body); event.thread == thread && s.of == SampleOf::cpu)
                sum += static_cast<double>(s.period.count());
        return sum;
    }
    [[nodiscard]] std::string of(ThreadId thread, const Told& told) const {
        std::ostringstream text;
        text << told.what << ": ";
        for (const auto& [leaf, ns] : off(thread, told, "")) text << leaf << '=' << ns / 1e6 << " ms ";
        return text.str();
    }
};

class SamplerOffCpu : public SamplerOnKernel {
protected:
    // Thrice at most: nothing can be said of a run that lost something, or in which a thread that was held up between two looks
    // at its clocks says something else than all others.
    std::map<ThreadId, Told> run(SamplerOptions options, Times& times) {
        options.ring_bytes = kAmpleRing;
        std::map<ThreadId, Told> told;
        for (int i = 0; i < 3; ++i) {
            times = Times();
            told = run_once(options, times);
            if (times.lost == 0 && agree(told, times)) break;
        }
        EXPECT_EQ(times.lost, 0u);
        return told;
    }

private:
    static bool agree(const std::map<ThreadId, Told>& told, const Times& times) {
        return std::ranges::all_of(told, [&](const auto& one) {
            return std::abs(times.at(one.first, one.second, "") - one.second.off()) <= 0.01 * one.second.off();
        });
    }
    std::map<ThreadId, Told> run_once(const SamplerOptions& options, Times& times) {
        const auto source = started(options);
        if (source == nullptr) return {};
        const std::string go = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-go";
        TracedChild child(cgroup_, {AUTOTUNE_WAITING_PROGRAM, "1500", go});
        for (bool ended = false; !ended;) {
            ended = child.ended();
            EXPECT_TRUE(source->poll(std::chrono::milliseconds(10), times.batch));
            times.take();
            // Its first stacks are walked before anybody has read its files.
            if (times.has_whole_stack_with("wait_for_go")) std::ofstream(go).flush();
        }
        std::filesystem::remove(go);
        EXPECT_TRUE(source->finish(times.batch));
        times.take();
        EXPECT_EQ(child.status(), 0);
        const auto told = told_by(child.text());
        EXPECT_EQ(told.size(), 6u);
        return told;
    }
};

TEST_F(SamplerOffCpu, IsWhatTheThreadsSayOfThemselvesWithinOnePercent) {
    Times times;
    const auto told = run({.mode = SamplerMode::off_cpu}, times);
    for (const auto& [thread, one] : told) {
        EXPECT_EQ(times.cpu(thread), 0);
        EXPECT_NEAR(times.at(thread, one, ""), one.off(), 0.01 * one.off()) << times.of(thread, one);
    }
}

TEST_F(SamplerOffCpu, IsAtTheStackThatWaits) {
    Times times;
    const auto told = run({.mode = SamplerMode::off_cpu}, times);
    for (const auto& [thread, one] : told) {
        const std::string function = one.what == "ping" || one.what == "pong" ? "hand_over" : one.what;
        const double unseen = times.at(thread, one, "[a switch was not seen]");
        EXPECT_LT(unseen, 0.2 * one.off()) << times.of(thread, one);
        const double at_none = unseen + times.at(thread, one, "[interrupts and other machines]");
        EXPECT_NEAR(times.at(thread, one, function) + at_none, one.off(), 0.02 * one.off()) << times.of(thread, one);
        if (one.what != "sleeper") continue;
        const double in_long = times.at(thread, one, "rest_long");
        EXPECT_NEAR(in_long, static_cast<double>(one.in_long), 0.01 * one.off() + at_none) << times.of(thread, one);
        EXPECT_NEAR(times.at(thread, one, "rest_briefly"), one.off() - static_cast<double>(one.in_long),
                    0.01 * one.off() + at_none)
            << times.of(thread, one);
    }
}

TEST_F(SamplerOffCpu, AndOnMakeUpTheWallClock) {
    Times times;
    const auto told = run({.mode = SamplerMode::wall}, times);
    for (const auto& [thread, one] : told) {
        EXPECT_NEAR(times.at(thread, one, ""), one.off(), 0.01 * one.off()) << times.of(thread, one);
        // With what it ran before and after.
        const auto ran = static_cast<double>(one.ran);
        EXPECT_NEAR(times.cpu(thread), ran, 0.01 * ran + 5e6) << times.of(thread, one);
    }
}

TEST_F(SamplerOffCpu, ShowsTheKernelsFramesAbove) {
    Times times;
    const auto told = run({.mode = SamplerMode::off_cpu, .kernel = true}, times);
    for (const auto& [thread, one] : told) {
        if (one.what != "sleeper") continue;
        const double unseen = times.at(thread, one, "[a switch was not seen]");
        EXPECT_GT(times.at(thread, one, "do_nanosleep") + unseen, 0.95 * one.off()) << times.of(thread, one);
        const auto by_leaf = times.off(thread, one, "rest_long");
        ASSERT_EQ(by_leaf.size(), 1u) << times.of(thread, one);
        EXPECT_EQ(by_leaf.begin()->first, "__schedule");
    }
}

// No number of different stacks is too many.
TEST_F(SamplerOffCpu, KeepsEveryOfThirtyThousandStacks) {
    const std::string program = python_program("stacks.py",
                                              "import sys, time\n"
                                              "sys.setrecursionlimit(10000)\n"
                                              "def left(bits, n):\n"
                                              "    if n: (left if bits & 1 else right)(bits >> 1, n - 1)\n"
                                              "    else: time.sleep(1e-6)\n"
                                              "def right(bits, n):\n"
                                              "    if n: (left if bits & 1 else right)(bits >> 1, n - 1)\n"
                                              "    else: time.sleep(1e-6)\n"
                                              "for bits in range(30000): left(bits, 15)\n",
                                              "time.sleep(1e-3)");
    const auto source = started({.ring_bytes = kAmpleRing, .mode = SamplerMode::off_cpu});
    ASSERT_NE(source, nullptr);
    Collected got;
    EventBatch& batch = got.batch;
    std::set<StackId> stacks;
    std::uint64_t lost = 0;
    TracedChild child(cgroup_, {"/usr/bin/python3", program});
    const auto take = [&] {
        for (const Event& event : batch.events) {
            if (const auto* loss = std::get_if<Lost>(&event.body)) lost += loss->count;
            const auto* sample = std::get_if<StackSample>(&event.body);
            if (sample == nullptr) continue;
            if (is_waiting(got, event)) std::ofstream(go()).flush();
            stacks.insert(sample->stack);
        }
        batch.events.clear();
    };
    for (bool ended = false; !ended;) {
        ended = child.ended();
        ASSERT_TRUE(source->poll(std::chrono::milliseconds(10), batch));
        take();
    }
    ASSERT_TRUE(source->finish(batch));
    take();
    ASSERT_EQ(child.status(), 0);
    EXPECT_EQ(lost, 0u);
    EXPECT_EQ(source->health().unknown_stacks, 0u);
    // A switch in a thousand is not seen.
    EXPECT_GT(stacks.size(), 29'000u);
    std::filesystem::remove(program);
}

// A ring that is too small: what could not be told is told as lost, not left out.
TEST_F(SamplerOffCpu, LosesNoTimeWhereTheRingHasNoRoom) {
    const auto source = started({.ring_bytes = 8192, .mode = SamplerMode::off_cpu});
    ASSERT_NE(source, nullptr);
    Times times;
    TracedChild child(cgroup_, {AUTOTUNE_WAITING_PROGRAM, "700"});
    while (!child.ended()) {
        ::poll(nullptr, 0, 100);
        ASSERT_TRUE(source->poll(Nanos(0), times.batch));
        times.take();
    }
    ASSERT_TRUE(source->finish(times.batch));
    times.take();
    EXPECT_GT(times.lost, 0u);
    double lost_ns = 0;
    for (const auto& [thread, one] : told_by(child.text())) {
        lost_ns += times.at(thread, one, "[lost: no room in the ring]");
        // What is told as lost may have been lost before the thread gave its account: while it waited for its first CPU.
        EXPECT_LT(times.at(thread, one, ""), 1.01 * one.off() + static_cast<double>(one.early)) << times.of(thread, one);
    }
    EXPECT_GT(lost_ns, 0);
}

}  // namespace
}  // namespace autotune::symbols
