#include "agent/bpf/syscall_meter.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

CallCount count(std::uint32_t number, std::uint64_t calls, std::uint64_t failures) {
    return {.process = {100, 5},
            .scope = CgroupId(42),
            .number = number,
            .calls = calls,
            .failures = failures};
}

TEST(SyscallMeter, TellsOnlyWhatIsNew) {
    SyscallMeter meter;
    std::vector<Event> events;
    meter.update(std::vector{count(0, 10, 1), count(1, 3, 0)}, from_ns(900), events);
    meter.update(std::vector{count(0, 10, 1), count(1, 5, 2)}, from_ns(950), events);
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0].process, (ProcessId{100, 5}));
    EXPECT_EQ(events[0].cgroup, CgroupId(42));
    EXPECT_EQ(std::get<SyscallTotals>(events[0].body).failures, 1u);
    const auto& last = std::get<SyscallTotals>(events[2].body);
    EXPECT_EQ(events[2].at, from_ns(950));
    EXPECT_EQ(last.number, 1u);
    EXPECT_EQ(last.calls, 2u);
    EXPECT_EQ(last.failures, 2u);
}

TEST(SyscallMeter, BeginsAnewWithWhatWasForgotten) {
    SyscallMeter meter;
    std::vector<Event> events;
    meter.update(std::vector{count(0, 10, 1)}, from_ns(900), events);
    meter.forget({100, 5});
    meter.update(std::vector{count(0, 4, 1)}, from_ns(950), events);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(std::get<SyscallTotals>(events[1].body).calls, 4u);
}

}  // namespace
}  // namespace autotune
