#include "agent/tables/size_rows.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace autotune {
namespace {

const std::string kHead = "memory_mb,duration_ms,max_memory_mb,status\n";

Result<std::vector<SizeRow>> rows(const std::string& text) {
    SizeRows table;
    std::vector<SizeRow> out;
    const auto take = [&](const SizeRow& row) {
        out.push_back(row);
        return ok();
    };
    if (Status fed = table.feed(text, take); !fed) return fed.forward();
    if (Status end = table.finish(take); !end) return end.forward();
    return out;
}

SizeRow row(const std::string& line) {
    const auto read = rows(kHead + line);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return read && read->size() == 1 ? read->front() : SizeRow();
}

TEST(SizeRows, ReadsSizesTimesPeaksAndEnds) {
    const SizeRow r = row("512,12.5,88,ok");
    EXPECT_EQ(r.memory_mb, 512u);
    EXPECT_EQ(r.duration_ms, 12.5);
    EXPECT_EQ(r.peak_mb, 88);
    EXPECT_EQ(r.end, SizeRow::End::ok);
    EXPECT_EQ(row("1,0,,error").end, SizeRow::End::error);
    EXPECT_EQ(row("1,0,,timeout").end, SizeRow::End::timeout);
    EXPECT_EQ(row("1,0,,oom").end, SizeRow::End::oom);
    EXPECT_EQ(to_string(SizeRow::End::oom), "oom");
}

TEST(SizeRows, OnlyAPeakAndTheTimeOfAFailedCallMayBeMissing) {
    EXPECT_EQ(row("128,,,oom").duration_ms, 0);
    for (const char* line : {"128,,,ok", ",1,,ok", "128,1,,", "128"}) EXPECT_FALSE(rows(kHead + line)) << line;
}

TEST(SizeRows, NeedsOnlySizesAndTimes) {
    const auto read = rows("note,duration_ms,memory_mb\nx,3,128\n");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->at(0).memory_mb, 128u);
    EXPECT_EQ(read->at(0).end, SizeRow::End::ok);
    EXPECT_FALSE(rows("memory_mb,status\n128,ok\n"));
}

TEST(SizeRows, RefusesWhatCannotBeWithItsPlace) {
    const auto message = [](const std::string& line) {
        const auto read = rows(kHead + line);
        return read ? std::string("nothing") : read.error().message;
    };
    EXPECT_EQ(message("128,nan,,ok"), "2:5: duration_ms: \"nan\" is not a finite number");
    EXPECT_EQ(message("128,-1,,ok"), "2:5: duration_ms: \"-1\" is negative");
    EXPECT_EQ(message("0.4,1,,ok"), "2:1: memory_mb: not between 1 and 10000000");
    EXPECT_EQ(message("1e8,1,,ok"), "2:1: memory_mb: not between 1 and 10000000");
    EXPECT_EQ(message("128,1e10,,ok"), "2:5: duration_ms: longer than eleven days");
    EXPECT_EQ(message("128,1,1e300,ok"), "2:7: max_memory_mb: more than 10000000");
    EXPECT_EQ(message("128,1,,fine"), "2:8: status: neither ok, error, timeout nor oom");
}

}  // namespace
}  // namespace autotune
