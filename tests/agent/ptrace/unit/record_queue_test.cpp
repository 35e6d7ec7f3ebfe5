#include "agent/ptrace/record_queue.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace autotune::ptrace {
namespace {

at_fd_change_record change(int from) {
    at_fd_change_record record{};
    record.header.kind = AT_FD_CHANGE;
    record.header.size = sizeof record;
    record.from = from;
    return record;
}

TEST(RecordQueue, GivesRecordsAndEventsInTheOrderTheyCame) {
    RecordQueue queue;
    queue.push(change(7));
    queue.push(Event{.at = from_ns(5), .body = ProcessExited{.exit_code = 3}});
    const auto taken = queue.take({});
    at_fd_change_record first;
    std::memcpy(&first, taken.records.data(), sizeof first);
    EXPECT_EQ(first.from, 7);
    at_header second;
    std::memcpy(&second, taken.records.data() + sizeof first, sizeof second);
    ASSERT_EQ(second.kind, kEventRecord);
    const Event event = RecordQueue::event_of(std::span(taken.records).subspan(sizeof first, second.size));
    EXPECT_EQ(std::get<ProcessExited>(event.body).exit_code, 3);
    EXPECT_TRUE(queue.take({}).records.empty());
}

TEST(RecordQueue, CountsWhatFindsNoRoom) {
    RecordQueue queue;
    std::uint64_t pushed = 0;
    std::uint64_t lost = 0;
    std::size_t bytes = 0;
    while (bytes <= (std::size_t{65} << 20)) {
        queue.push(change(1));
        ++pushed;
        bytes += sizeof(at_fd_change_record);
    }
    const auto taken = queue.take({});
    lost = taken.lost;
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(taken.records.size() / sizeof(at_fd_change_record) + lost, pushed);
    EXPECT_EQ(queue.take({}).lost, 0U);
}

TEST(RecordQueue, TellsItsEndWithTheLastRecords) {
    RecordQueue queue;
    queue.push(change(1));
    queue.end();
    const auto taken = queue.take({});
    EXPECT_TRUE(taken.ended);
    EXPECT_FALSE(taken.records.empty());
}

}  // namespace
}  // namespace autotune::ptrace
