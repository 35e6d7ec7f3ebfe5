// Tables of calls as they come.
#include "agent/flows/call_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHeader =
    "id,caller,callee,operation,caller_start_us,caller_end_us,callee_start_us,callee_end_us\n";

struct Read {
    FlowNames names;
    std::vector<ServiceCall> calls;
    std::vector<std::string> told;
    std::int64_t step = 0;
    Status status;

    explicit Read(const std::string& text, std::size_t cut = 1 << 20) {
        CallReader reader(names);
        for (std::size_t at = 0; at < text.size() && status; at += cut)
            status = reader.feed(std::string_view(text).substr(at, cut), calls);
        if (status) status = reader.finish(calls);
        told = reader.told();
        step = reader.step_ns();
        EXPECT_EQ(reader.skipped(), told.size());
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const ServiceCall& c : calls)
            out.push_back(c.id + " " + (c.caller == ServiceCall::kNone ? "-" : names.name(c.caller)) + ">" +
                          names.name(c.endpoint) + " " +
                          (c.seen_by_caller
                               ? std::to_string(c.caller_start) + "-" + std::to_string(c.caller_end)
                               : "?") +
                          " " + std::to_string(c.callee_start) + "-" + std::to_string(c.callee_end));
        return out;
    }
};

TEST(CallReader, ReadsWhatBothEndsSaw) {
    const Read r(std::string(kHeader) + "c0,,web,\"GET /a,b\",,,1,9\nc1,web,db,q,2,5,3,4\n");
    ASSERT_TRUE(r.status);
    EXPECT_THAT(r.lines(), ElementsAre("c0 ->web:GET /a,b ? 1000-9000", "c1 web>db:q 2000-5000 3000-4000"));
    EXPECT_EQ(r.calls[1].caller, r.calls[0].callee);  // the same service, whatever the operation
}

TEST(CallReader, NeedsNoOperationAndNoCallersTimes) {
    const Read r("callee,caller,id,callee_end_us,callee_start_us\ndb,web,x,2000,1000\n");
    ASSERT_TRUE(r.status);
    EXPECT_THAT(r.lines(), ElementsAre("x web>db ? 1000000-2000000"));
}

TEST(CallReader, SeesHowFineTheClockIs) {
    EXPECT_EQ(Read(std::string(kHeader) + "a,,w,,,,7000,9000\nb,,w,,,,10000,12000\n").step, 1'000'000);
    EXPECT_EQ(Read(std::string(kHeader) + "a,,w,,,,7000,9000\nb,,w,,,,10000,12001\n").step, 1'000);
}

TEST(CallReader, SkipsTellsAndCountsWhatCannotBe) {
    const Read r(std::string(kHeader) +
                 "a,,web,op,,,9,1\nb,,web,op,,,x,1\n,,web,op,,,1,2\nc,,,op,,,1,2\nd,web,db,op,5,2,1,2\ne,web,"
                 "db,op,5,,1,2\n"
                 "f,,web,op,,,1,2\nf,,web,op,,,3,4\n\"g,,web,op,,,1,2\n9,,web,op,,,-9000000000000000,2\n");
    ASSERT_TRUE(r.status);
    EXPECT_THAT(r.lines(), ElementsAre("f ->web:op ? 1000-2000"));
    EXPECT_THAT(r.told,
                ElementsAre("2: the end is before the start", "3: no time: \"x\"", "4: an id is missing",
                            "5: a callee is missing", "6: the caller's end is before its start",
                            "7: no time: \"\"", "9: the id \"f\" was there before",
                            "10: a quote is not closed", HasSubstr("11: no time: \"-9000000000000000\"")));
}

TEST(CallReader, RefusesATableWithoutItsColumns) {
    EXPECT_EQ(Read("id,caller\n1,a\n").status.error().message,
              "1: the first line must name the columns; not there: callee, callee_start_us, callee_end_us");
    EXPECT_EQ(Read("").status.error().message, "1: there is no first line that names the columns");
    EXPECT_EQ(Read("\nid,caller\n").status.error().message,
              "2: the first line must name the columns; not there: callee, callee_start_us, callee_end_us");
    EXPECT_EQ(Read("id,\"caller\n").status.error().message, "1: a quote is not closed");
}

TEST(CallReader, RefusesATableThatHasAColumnTwice) {
    const std::string names = "id,caller,callee,callee_start_us,callee_end_us";
    EXPECT_EQ(Read(names + ",id\na,,w,1,2,b\n").status.error().message, "1: there are two columns \"id\"");
    EXPECT_TRUE(Read(names + ",note,note\na,,w,1,2,b,c\n").status);  // of no concern
}

TEST(CallReader, ReadsATableThatBeginsWithAByteOrderMark) {
    const Read r("\xEF\xBB\xBFid,caller,callee,callee_start_us,callee_end_us\na,,w,1,2\n");
    ASSERT_TRUE(r.status) << r.status.error().message;
    EXPECT_THAT(r.lines(), ElementsAre("a ->w ? 1000-2000"));
}

TEST(CallReader, ReadsTheSameWhereverTheTextIsCut) {
    const std::string text = std::string(kHeader) + "c0,,web,\"a\"\"b\",,,1,9\r\n\r\nc1,web,db,q,2,5,3,4";
    const Read whole(text);
    EXPECT_EQ(whole.calls.size(), 2u);
    for (std::size_t cut = 1; cut < text.size(); ++cut)
        EXPECT_EQ(Read(text, cut).lines(), whole.lines()) << cut;
}

TEST(RecentIds, RemembersAtLeastTheLastAndForgetsInTheEnd) {
    RecentIds ids(8);
    for (std::uint64_t i = 1; i <= 100; ++i) {
        EXPECT_TRUE(ids.add(i * 0x9E3779B97F4A7C15u));
        for (std::uint64_t j = i < 8 ? 1 : i - 7; j <= i; ++j) EXPECT_FALSE(ids.add(j * 0x9E3779B97F4A7C15u));
    }
    EXPECT_TRUE(ids.add(0x9E3779B97F4A7C15u));  // long ago
    EXPECT_TRUE(ids.add(0));
    EXPECT_FALSE(ids.add(0));
}

}  // namespace
}  // namespace autotune
