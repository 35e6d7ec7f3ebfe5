// Profiles for viewers of timelines, and as JSON.
#include "exporters/render/profile_trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "exporters/render/profile_json.hpp"
#include "tests/support/profiles.hpp"
#include "tests/support/protobuf.hpp"

namespace autotune::render {
namespace {

using autotune::testing::parse_protobuf;
using autotune::testing::profile_of;
using autotune::testing::ProtobufFields;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Profile small() { return profile_of({{{"main", "work"}, 30}, {{"main"}, 10}, {{"a \"b\""}, 2}}, "t"); }

TEST(ProfilePerfetto, IsNestedSlicesAsWideAsTheirWeight) {
    const ProtobufFields trace = parse_protobuf(profile_perfetto(small()));
    std::map<std::uint64_t, std::string> names;
    std::vector<std::string> told;
    for (auto [at, end] = trace.bytes.equal_range(1); at != end; ++at) {
        const ProtobufFields packet = parse_protobuf(at->second);
        EXPECT_EQ(packet.number(10), 1u);  // one sequence
        if (const auto track = packet.text(60); !track.empty()) {
            EXPECT_EQ(packet.number(13), 1u);  // names begin here
            EXPECT_THAT(parse_protobuf(track).text(2),
                        HasSubstr("42 ns cpu, merged stacks side by side, not in time"));
            continue;
        }
        EXPECT_EQ(packet.number(13), 2u);
        if (const auto interned = packet.text(12); !interned.empty()) {
            const ProtobufFields name = parse_protobuf(parse_protobuf(interned).text(2));
            names[name.number(1)] = name.text(2);
        }
        const ProtobufFields event = parse_protobuf(packet.text(11));
        EXPECT_EQ(event.number(11), 1u);
        const bool begin = event.number(9) == 1;
        EXPECT_EQ(packet.numbers.count(8), 1u);
        told.push_back(std::to_string(packet.number(8)) + (begin ? "+" + names.at(event.number(10)) : "-"));
    }
    EXPECT_THAT(told, ElementsAre("0+all", "0+a \"b\"", "2-", "2+main", "12+work", "42-", "42-", "42-"));
}

TEST(ProfileChrome, IsNestedSlicesAsWideAsTheirWeight) {
    const json trace = json::parse(profile_chrome(small()));
    std::vector<std::string> told;
    for (const json& event : trace["traceEvents"])
        if (event["ph"] == "X")
            told.push_back(event["name"].get<std::string>() + "@" + event["ts"].dump() + "+" +
                           event["dur"].dump() + " " + event["args"]["weight"].get<std::string>());
    EXPECT_THAT(told, ElementsAre("all@0.0+0.042 42 ns", "a \"b\"@0.0+0.002 2 ns", "main@0.002+0.04 40 ns",
                                  "work@0.012+0.03 30 ns"));
    EXPECT_THAT(trace["traceEvents"][0]["args"]["name"].get<std::string>(), HasSubstr("not in time"));
}

TEST(ProfileChrome, TellsTheUnitOfItsAxis) {
    Profile p = profile_of({{{"f"}, 3}}, "heap");
    p.unit = ProfileUnit::bytes;
    p.measure = "alloc_space";
    EXPECT_THAT(profile_chrome(p),
                HasSubstr("3 B alloc_space, merged stacks side by side, not in time; 1 ns is 1 byte"));
}

TEST(ProfileJson, HoldsFunctionsAndStacks) {
    ProfileBuilder builder;
    const auto f =
        builder.frame({.name = "f", .module = "m.so", .file = "f.c", .line = 7, .kind = FrameKind::native});
    const auto g = builder.frame("g");
    builder.add_stack(std::vector{f, g, f}, 30);
    builder.add_stack(std::vector{f}, 5);
    const json data = json::parse(profile_json(std::move(builder).build("t", ProfileUnit::bytes, 5)));
    EXPECT_EQ(data["unit"], "bytes");
    EXPECT_EQ(data["total"], 35);
    EXPECT_EQ(data["truncated"], 5);
    EXPECT_EQ(data["functions"], json::parse(R"([
        {"name":"f","file":"f.c","line":7,"module":"m.so","runtime":"native","self":35,"total":35},
        {"name":"g","self":0,"total":30}])"));
    EXPECT_EQ(data["stacks"],
              json::parse(R"([{"frames":["f"],"weight":5},{"frames":["f","g","f"],"weight":30}])"));
}

TEST(ProfileJson, OfAComparisonTellsBoth) {
    const json data =
        json::parse(profile_json(compare(profile_of({{{"gone"}, 4}}), profile_of({{{"new"}, 3}}))));
    EXPECT_EQ(data["total_before"], 4);
    EXPECT_EQ(data["stacks"], json::parse(R"([{"frames":["new"],"weight":3,"before":0},
                                              {"frames":["gone"],"weight":0,"before":4}])"));
}

}  // namespace
}  // namespace autotune::render
