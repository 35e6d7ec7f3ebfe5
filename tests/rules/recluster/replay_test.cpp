#include "rules/recluster/replay.hpp"

#include <gtest/gtest.h>

#include "tests/rules/recluster/builders.hpp"

namespace autotune::rules {
namespace {

using namespace test;

std::string mistake(const std::string& text) {
    auto log = read_log(text);
    if (!log) return log.error().message;
    const auto links = link(*log, std::nullopt);
    return links ? "" : links.error().message;
}

TEST(ReclusterReplay, ReadsWhatItIsGivenInAnyPieces) {
    const std::string text = invocation(1, "a", "", "front", 0, 100, call("back", "b", 10, 60)) + "\n\r\n" +
                             invocation(1, "b", "a", "back", 1000, 1050);
    ReplayReader reader;
    for (const char c : text) ASSERT_TRUE(reader.feed(std::string_view(&c, 1)));
    auto log = reader.finish();
    ASSERT_TRUE(log);
    ASSERT_EQ(log->traces.size(), 1u);
    ASSERT_TRUE(link(*log, std::nullopt));
    EXPECT_EQ(log->traces[0].invocations[1].reached, RecordedInvocation::Reached::remote);
    EXPECT_EQ(log->functions, (std::vector<std::string>{"front", "back"}));
}

TEST(ReclusterReplay, SaysWhatIsWrongAndInWhichLine) {
    const std::string good = invocation(1, "a", "", "front", 0, 100);
    EXPECT_EQ(mistake(""), "1:1: there is no invocation in it");
    EXPECT_EQ(mistake("\n\n"), "1:1: there is no invocation in it");
    EXPECT_TRUE(mistake(good + "{").starts_with("2:"));
    EXPECT_TRUE(mistake(good + "[]").starts_with("2:1: an invocation must be"));
    EXPECT_TRUE(mistake(good + "{\"trace\":\"t\"}").starts_with("2:1: \"id\" is missing"));
    EXPECT_EQ(mistake(good + good), "2:1: there is an invocation \"a\" in trace \"t1\" already");
    std::string back = good;
    back.replace(back.find("100.000000"), 10, "-1");
    EXPECT_NE(mistake(back).find("the end is before the start"), std::string::npos);
    EXPECT_NE(mistake(invocation(1, "a", "", "f", 0, 1, call("g", "", 0, -1))).find("duration_ms: -1.000000 is negative"),
              std::string::npos);
    std::string far = good;
    far.replace(far.find("100.000000"), 10, "1e999");
    EXPECT_NE(mistake(far).find("out of range"), std::string::npos);
    std::string nan = good;
    nan.replace(nan.find("100.000000"), 10, "NaN");
    EXPECT_NE(mistake(nan), "");
    EXPECT_NE(mistake(invocation(1, "a", "", "f", 0, 1, "", 0)).find("memory_mb: 0 is too little"), std::string::npos);
}

TEST(ReclusterReplay, RefusesWhatCannotHaveBeen) {
    EXPECT_NE(mistake(invocation(1, "a", "b", "f", 0, 9, call("g", "b", 1, 2)) + invocation(1, "b", "a", "g", 0, 9, call("f", "a", 1, 2)))
                  .find("its own ancestor"),
              std::string::npos);
    EXPECT_NE(mistake(invocation(1, "a", "", "f", 0, 9, call("g", "b", 1, 2) + "," + call("g", "b", 4, 2)) +
                      invocation(1, "b", "a", "g", 0, 2))
                  .find("was called already"),
              std::string::npos);
}

TEST(ReclusterReplay, CountsWhatWasNotRecorded) {
    auto log = read_log(invocation(1, "a", "", "front", 0, 100, call("back", "lost", 0, 50) + "," + call("dynamodb", "", 60, 5)) +
                        invocation(2, "b", "gone", "back", 0, 10));
    ASSERT_TRUE(log);
    const auto links = link(*log, std::nullopt);
    ASSERT_TRUE(links);
    EXPECT_EQ(links->assumed, 1u);
    EXPECT_EQ(links->elsewhere, 1u);
    EXPECT_EQ(links->orphans, 1u);
    EXPECT_EQ(links->overheads.measured, 0u);
    EXPECT_DOUBLE_EQ(log->traces[0].invocations[1].duration(), 10);  // 50 less 40 that nobody measured
}

}  // namespace
}  // namespace autotune::rules
