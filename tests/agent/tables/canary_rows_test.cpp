#include "agent/tables/canary_rows.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

using namespace std::chrono_literals;
const std::string kHead = "pair,bucket,baseline_ms,canary_ms,baseline_ok,canary_ok,canary_oom\n";

Result<std::vector<CanaryRow>> rows(const std::string& text) {
    CanaryRows table;
    std::vector<CanaryRow> out;
    if (Status fed = table.feed(text, out); !fed) return fed.forward();
    if (Status end = table.finish(out); !end) return end.forward();
    return out;
}

CanaryRow row(const std::string& line) {
    const auto read = rows(kHead + line + "\n");
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return read && read->size() == 1 ? read->front() : CanaryRow();
}

TEST(CanaryRows, ReadsTimesAndEnds) {
    const CanaryRow r = row("0,64,1.5,20,1,True,0");
    ASSERT_TRUE(r.baseline && r.canary);
    EXPECT_EQ(r.baseline->duration, 1500us);
    EXPECT_EQ(r.canary->duration, 20ms);
    EXPECT_TRUE(r.baseline->ok && r.canary->ok);
    EXPECT_EQ(r.bucket, "64");
}

TEST(CanaryRows, AFailedCallNeedsNoTime) {
    const CanaryRow r = row("0,,,,0,false,0");
    ASSERT_TRUE(r.baseline && r.canary);
    EXPECT_FALSE(r.baseline->ok || r.canary->ok);
}

TEST(CanaryRows, OutOfMemoryIsAFailureWhateverElseTheLineSays) {
    const CanaryRow r = row("0,,1,1,1,1,1");
    ASSERT_TRUE(r.canary);
    EXPECT_TRUE(r.canary->out_of_memory);
    EXPECT_FALSE(r.canary->ok);
    EXPECT_FALSE(r.baseline->out_of_memory);
}

TEST(CanaryRows, WhatIsMissingIsNotKnown) {
    EXPECT_FALSE(row("0,,1,,1,1,0").canary);      // it succeeded, in which time?
    EXPECT_FALSE(row("0,,1,1,1,,0").canary);      // how did it end?
    EXPECT_FALSE(row("0,,,1,1,1,0").baseline);
    EXPECT_FALSE(row("0").canary);
}

TEST(CanaryRows, RefusesWhatCannotBe) {
    for (const char* line : {"0,,nan,1,1,1,0", "0,,1,-1,1,1,0", "0,,1,1,2,1,0", "0,,1,1e300,1,1,0", "0,,1,1,1,1,maybe"}) {
        const auto read = rows(kHead + line + "\n");
        ASSERT_FALSE(read) << line;
        EXPECT_EQ(read.error().code, Errc::invalid_argument);
        EXPECT_EQ(read.error().message.substr(0, 2), "2:");
    }
}

TEST(CanaryRows, NeedsOnlyTimesAndEnds) {
    EXPECT_TRUE(rows("baseline_ms,canary_ms,baseline_ok,canary_ok\n1,1,1,1\n"));
    EXPECT_FALSE(rows("baseline_ms,canary_ms,canary_ok\n1,1,1\n"));
}

}  // namespace
}  // namespace autotune
