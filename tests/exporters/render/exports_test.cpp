// Profiles as other programs read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "exporters/render/call_tree_text.hpp"
#include "exporters/render/flame_html.hpp"
#include "exporters/render/gzip.hpp"
#include "exporters/render/pprof.hpp"
#include "exporters/render/speedscope.hpp"
#include "tests/support/profiles.hpp"
#include "tests/support/protobuf.hpp"

namespace autotune::render {
namespace {

using autotune::testing::NamedStack;
using autotune::testing::parse_packed;
using autotune::testing::parse_protobuf;
using autotune::testing::profile_of;
using autotune::testing::ProtobufFields;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Gzip, GivesBackWhatWasPacked) {
    std::mt19937 random(1);
    std::string bytes(3'000'000, ' ');
    for (char& c : bytes) c = static_cast<char>(random() % 7);
    for (const std::string& text : {std::string(), std::string("a"), bytes}) {
        const std::string packed_text = gzip(text);
        EXPECT_TRUE(is_gzip(packed_text));
        EXPECT_EQ(gunzip(packed_text, 4'000'000).value(), text);
    }
    EXPECT_EQ(gunzip(gzip("a") + gzip("b"), 10).value(), "ab");
}

TEST(Gzip, RefusesWhatIsDamagedOrTooLarge) {
    const std::string packed_text = gzip(std::string(100'000, 'x'));
    EXPECT_EQ(gunzip(packed_text.substr(0, packed_text.size() - 4), 1'000'000).error().code, Errc::corrupt);
    EXPECT_EQ(gunzip("no gzip at all", 100).error().code, Errc::corrupt);
    EXPECT_EQ(gunzip(packed_text, 99'999).error().code, Errc::resource_exhausted);
}

TEST(Pprof, HoldsSamplesCountFirstLeafFirst) {
    ProfileBuilder builder;
    const auto root = builder.frame({.name = "main", .module = "/bin/app", .build_id = "abcd"});
    const auto leaf = builder.frame({.name = "work", .module = "/bin/app", .file = "work.c", .line = 42});
    builder.add_stack(std::vector{root, leaf}, 30);
    builder.add_stack(std::vector{root}, 10);
    Profile profile = std::move(builder).build("app", ProfileUnit::nanoseconds);
    profile.period = 10;
    const ProtobufFields top =
        parse_protobuf(gunzip(pprof(profile, {.duration = Nanos(77)}), 1 << 20).value());

    std::vector<std::string> strings;
    for (auto [at, end] = top.bytes.equal_range(6); at != end; ++at) strings.push_back(at->second);
    ASSERT_FALSE(strings.empty());
    EXPECT_EQ(strings[0], "");
    const auto name_of = [&](const ProtobufFields& f, std::uint32_t field) {
        return strings.at(f.numbers.find(field)->second);
    };

    std::vector<std::string> types;
    for (auto [at, end] = top.bytes.equal_range(1); at != end; ++at)
        types.push_back(name_of(parse_protobuf(at->second), 1) + "/" +
                        name_of(parse_protobuf(at->second), 2));
    EXPECT_THAT(types, ElementsAre("samples/count", "cpu/nanoseconds"));

    std::vector<std::vector<std::uint64_t>> samples;
    for (auto [at, end] = top.bytes.equal_range(2); at != end; ++at) {
        const ProtobufFields sample = parse_protobuf(at->second);
        samples.push_back(parse_packed(sample.bytes.find(1)->second));
        samples.push_back(parse_packed(sample.bytes.find(2)->second));
    }
    EXPECT_THAT(samples,
                ElementsAre(ElementsAre(1), ElementsAre(1, 10), ElementsAre(2, 1), ElementsAre(3, 30)));

    const ProtobufFields second = parse_protobuf(std::next(top.bytes.find(4))->second);  // location of `work`
    EXPECT_EQ(second.numbers.find(1)->second, 2u);
    EXPECT_EQ(parse_protobuf(second.bytes.find(4)->second).numbers.find(2)->second, 42u);
    const ProtobufFields function = parse_protobuf(std::next(top.bytes.find(5))->second);
    EXPECT_EQ(name_of(function, 2), "work");
    EXPECT_EQ(name_of(function, 4), "work.c");
    const ProtobufFields mapping = parse_protobuf(top.bytes.find(3)->second);
    EXPECT_EQ(name_of(mapping, 5), "/bin/app");
    EXPECT_EQ(name_of(mapping, 6), "abcd");
    EXPECT_EQ(top.numbers.find(10)->second, 77u);
    EXPECT_EQ(top.numbers.find(12)->second, 10u);
}

TEST(Pprof, HoldsOneValueWhereTheWeightIsACount) {
    Profile profile = profile_of({{{"main"}, 7}});
    profile.unit = ProfileUnit::count;
    const ProtobufFields top = parse_protobuf(gunzip(pprof(profile), 1 << 20).value());
    EXPECT_EQ(top.bytes.count(1), 1u);
    EXPECT_THAT(parse_packed(parse_protobuf(top.text(2)).text(2)), ElementsAre(7));
}

TEST(Speedscope, HoldsStacksRootFirstAndTheirWeights) {
    const auto json = nlohmann::json::parse(
        speedscope(profile_of({{{"main", "a \"quoted\" <name>"}, 3}, {{"main"}, 2}}, "t")));
    EXPECT_EQ(json["shared"]["frames"][1]["name"], "a \"quoted\" <name>");
    const auto& profile = json["profiles"][0];
    EXPECT_EQ(profile["type"], "sampled");
    EXPECT_EQ(profile["unit"], "nanoseconds");
    EXPECT_EQ(profile["samples"], nlohmann::json::parse("[[0],[0,1]]"));
    EXPECT_EQ(profile["weights"], nlohmann::json::parse("[2,3]"));
    EXPECT_EQ(profile["endValue"], 5);
}

nlohmann::json data_of(const std::string& page) {
    const std::string begin = "id=\"data\">";
    const std::size_t at = page.find(begin) + begin.size();
    return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
}

TEST(FlameHtml, HoldsTheTree) {
    const auto data = data_of(flame_html(profile_of({{{"main", "a"}, 3}, {{"main"}, 2}, {{"b"}, 1}}, "t")));
    EXPECT_EQ(data["names"], nlohmann::json::parse(R"(["main","a","b"])"));
    EXPECT_EQ(data["parent"], nlohmann::json::parse("[0,0,1,0]"));
    EXPECT_EQ(data["frame"], nlohmann::json::parse("[0,0,1,2]"));
    EXPECT_EQ(data["self"], nlohmann::json::parse("[0,2,3,1]"));
    EXPECT_EQ(data["leftOut"], 0);
}

TEST(FlameHtml, GivesTheWeightOfWhatIsLeftOutToItsCaller) {
    std::vector<NamedStack> stacks{{{"main", "heavy"}, 1'000}};
    for (int i = 0; i < 500; ++i) stacks.push_back({{"main", "light", "f" + std::to_string(i)}, 1});
    const auto data = data_of(flame_html(profile_of(stacks), {.max_nodes = 4}));
    EXPECT_EQ(data["names"], nlohmann::json::parse(R"(["main","heavy","light"])"));
    EXPECT_EQ(data["self"], nlohmann::json::parse("[0,0,1000,500]"));
    EXPECT_EQ(data["leftOut"], 500);
}

TEST(FlameHtml, DoesNotExecuteNames) {
    const std::string evil = "</script><script>alert(1)</script><!--\" onload=\"x";
    const std::string page = flame_html(profile_of({{{evil}, 1}}, evil), {.subtitle = evil});
    EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
    EXPECT_THAT(page, Not(HasSubstr("<!--")));
    EXPECT_EQ(data_of(page)["names"][0], evil);
}

TEST(FlameHtml, NeedsNoNetwork) {
    const std::string page = flame_html(profile_of({{{"a"}, 1}}));
    EXPECT_THAT(page, Not(HasSubstr("http")));
    EXPECT_THAT(page, Not(HasSubstr("href")));
    EXPECT_THAT(page, Not(HasSubstr("src=")));
}

TEST(CallTreeText, ShowsTheHeaviestFirst) {
    const std::string text = call_tree_text(profile_of({{{"main", "work", "multiply"}, 900'000'000},
                                                        {{"main", "load"}, 95'000'000},
                                                        {{"main", "x"}, 5'000'000}}));
    EXPECT_EQ(text,
              "100.0 %       1 s  main\n"
              " 90.0 %    900 ms    work\n"
              " 90.0 %    900 ms     multiply\n"
              "  9.5 %     95 ms    load\n"
              "(1 lighter branches are not shown)\n"
              "1 s cpu in 3 stacks\n");
    EXPECT_EQ(call_tree_text({}), "no samples\n");
}

TEST(CallTreeText, OfAComparisonTellsWhatGrewWhatIsNewAndWhatIsGone) {
    const Profile both = compare(profile_of({{{"main", "gone"}, 50}, {{"main", "work"}, 50}}),
                                 profile_of({{{"main", "work"}, 150}, {{"main", "new"}, 50}}, "", 50));
    EXPECT_EQ(call_tree_text(both),
              "100.0 %    200 ns  was 100.0 %    +0.0  main\n"
              " 75.0 %    150 ns  was  50.0 %   +25.0    work\n"
              "  0.0 %      0 ns  was  50.0 %   -50.0    gone\n"
              " 25.0 %     50 ns  was   0.0 %   +25.0    new\n"
              "200 ns cpu in 2 stacks; before: 100 ns cpu; 25.0 % in stacks that do not reach their start\n");
}

TEST(CallTreeText, NamesTheUnit) {
    Profile p = profile_of({{{"main"}, 42}});
    p.unit = ProfileUnit::count;
    p.measure = "samples";
    EXPECT_EQ(call_tree_text(p), "100.0 % 42 samples  main\n42 samples in 1 stacks\n");
}

}  // namespace
}  // namespace autotune::render
