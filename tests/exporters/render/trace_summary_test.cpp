#include "exporters/render/trace_summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace autotune::render {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class TraceSummaryOf : public ::testing::Test {
protected:
    std::string text() const {
        std::ostringstream out;
        trace_summary(out, {trace, tables, setting}, {.style = {.marks = Marks::ascii}});
        return out.str();
    }
    nlohmann::json json() const {
        std::ostringstream out;
        trace_json(out, {trace, tables, setting});
        return nlohmann::json::parse(out.str());
    }
    WaitTotals& wait(WaitCause cause) { return trace.waits[static_cast<std::size_t>(cause)]; }

    Trace trace;
    Tables tables;
    TraceSetting setting;
};

TEST_F(TraceSummaryOf, WaitsHasThoseThatTookLongestFirst) {
    wait(WaitCause::network) = {.count = 9, .duration = Nanos(1'000), .slowest = Nanos(900)};
    wait(WaitCause::disk) = {.count = 1, .duration = Nanos(5'000'000), .slowest = Nanos(5'000'000)};
    wait(WaitCause::sleep) = {.count = 2, .duration = Nanos(70'000), .slowest = Nanos(60'000)};
    EXPECT_THAT(text(), ContainsRegex("waits.*disk\n.*sleep\n.*network\n"));
}

TEST_F(TraceSummaryOf, WhatFoundNoRowIsNamedAndCounted) {
    trace.files = {{.reads = 2, .wait = Nanos(20)}, {.reads = 1'234, .rest = 1'234}};
    trace.peers = {{.sends = 5, .rest = 5}};
    trace.http = {{.count = 7, .rest = 7}};
    EXPECT_THAT(text(), HasSubstr("(unnamed)"));
    EXPECT_THAT(text(), HasSubstr("(others: 1,234 calls)"));
    EXPECT_THAT(text(), HasSubstr("(others: 5 calls)"));
    EXPECT_THAT(text(), HasSubstr("(others: 7 exchanges)"));
    EXPECT_EQ(json()["io"]["files"][1]["rest"], 1'234);
    EXPECT_FALSE(json()["io"]["files"][0].contains("rest"));
    EXPECT_EQ(json()["io"]["peers"][0]["rest"], 5);
    EXPECT_EQ(json()["io"]["http"][0]["rest"], 7);
}

}  // namespace
}  // namespace autotune::render
