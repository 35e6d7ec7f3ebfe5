// Critical paths as text and as JSON.
#include "exporters/render/critical_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace autotune::render {
namespace {

using ::testing::HasSubstr;

CriticalPaths two_services() {
    CriticalPaths p;
    p.names = {"shop", "d\x02-"};
    p.groups.push_back({.what = "shop:GET /", .requests = 2, .total_ns = 2'000'000, .p50_ns = 1'000'000, .p95_ns = 1'000'000, .p99_ns = 1'000'000,
                        .shares = {{.service = 1, .requests = 2, .own_ns = 1'000'000, .between_ns = 500'000, .saves_ns = 60'000, .asked = true},
                                   {.service = 0, .requests = 2, .own_ns = 500'000}}});
    p.groups.push_back({.what = "mail", .detached = true, .requests = 1, .total_ns = 0});
    p.edges.push_back({.from = 0, .to = 1, .calls = 3, .on_path = 2, .path_ns = 1'500'000, .not_waited = 1, .longer_ns = 7'000});
    p.slowest.push_back({.what = "shop:GET /", .id = "r1", .ns = 1'000'000, .steps = {{.service = 1, .between = true, .depth = 1, .at_ns = 5, .ns = 7}}});
    p.open = 1, p.unknown = 2, p.not_kept = 3;
    return p;
}

TEST(CriticalPathText, TellsSharesAndWhatIsOnNoPath) {
    const std::string text = critical_paths_text(two_services());
    EXPECT_THAT(text, HasSubstr("shop:GET /: 2 requests, p50 1 ms, p95 1 ms, p99 1 ms\n"));
    EXPECT_THAT(text, HasSubstr("  d\uFFFD-           75.0 %       500 µs       250 µs        30 µs        3.0 %\n"));
    EXPECT_THAT(text, HasSubstr("  shop          25.0 %       250 µs         0 ns    not asked"));
    EXPECT_THAT(text, HasSubstr("mail: 1 work that nobody waited for"));
    EXPECT_THAT(text, HasSubstr("shop → d\uFFFD-: 1 of 3 calls went on without being waited for, 7 µs longer in the mean\n"));
    EXPECT_THAT(text, HasSubstr("1 work had not ended: on no path\n2 calls of which nobody knows what they were made for: on no path\n"
                                "3 calls more than there is room for: on no path\n"));
    EXPECT_EQ(critical_paths_text({}), "no request was seen from its start to its end\n");
}

TEST(CriticalPathJson, HasAllOfIt) {
    const auto json = nlohmann::json::parse(critical_paths_json(two_services()));
    EXPECT_EQ(json["groups"][0]["services"][0]["share"], 0.75);
    EXPECT_EQ(json["groups"][0]["services"][0]["saves_ns"], 60'000);
    EXPECT_TRUE(json["groups"][0]["services"][1]["saves_ns"].is_null());
    EXPECT_TRUE(json["groups"][1]["detached"]);
    EXPECT_EQ(json["edges"][0]["to"], "d\x02-");
    EXPECT_EQ(json["edges"][0]["not_waited"], 1);
    EXPECT_EQ(json["slowest"][0]["path"][0]["between"], true);
    EXPECT_EQ(json["open"], 1);
    EXPECT_EQ(json["unknown"], 2);
    EXPECT_EQ(json["not_kept"], 3);
}

}  // namespace
}  // namespace autotune::render
