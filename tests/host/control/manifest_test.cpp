#include "host/control/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Texts = std::map<std::string, std::string>;

constexpr auto minimal = "runtime: python3.11\nhandler: app.handler\n";

Result<Manifest> parse(const std::string& text) { return parse_manifest(text, "demo/shop/function.yaml"); }
std::string complaint(const std::string& more) { return fault_of(parse(minimal + more)); }

TEST(Manifest, NeedsLittle) {
    const auto manifest = parse(minimal);
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(manifest->function.name, "shop") << "the folder's name";
    EXPECT_EQ(manifest->function.settings.memory_mb, 128u);
    EXPECT_EQ(manifest->function.settings.timeout_s, 3u);
    EXPECT_TRUE(manifest->aliases.empty());
}

TEST(Manifest, SaysEverythingAboutAFunction) {
    const auto manifest = parse(
        "name: images\ndescription: Small pictures\nruntime: provided\nmemory_mb: 256\ntimeout: 1m30s\n"
        "environment: {PORT: 010, DEBUG: on}\nlabels: {tier: prod}\naliases: {live: 1}\n");
    ASSERT_TRUE(manifest) << manifest.error().message;
    const auto& function = manifest->function;
    EXPECT_EQ(function.name, "images");
    EXPECT_EQ(function.description, "Small pictures");
    EXPECT_EQ(function.settings.handler, "bootstrap");
    EXPECT_EQ(function.settings.memory_mb, 256u);
    EXPECT_EQ(function.settings.timeout_s, 90u);
    EXPECT_EQ(function.settings.environment, (Texts{{"PORT", "010"}, {"DEBUG", "on"}}))
        << "text stays as written";
    EXPECT_EQ(function.tags, (Texts{{"tier", "prod"}}));
    EXPECT_EQ(manifest->aliases, (std::map<std::string, std::uint64_t>{{"live", 1}}));
}

TEST(Manifest, TakesDurationsAndSeconds) {
    EXPECT_EQ(parse(std::string(minimal) + "timeout: 7\n")->function.settings.timeout_s, 7u);
    EXPECT_EQ(parse(std::string(minimal) + "timeout: 7s\n")->function.settings.timeout_s, 7u);
    EXPECT_EQ(parse(std::string(minimal) + "timeout: 15m\n")->function.settings.timeout_s, 900u);
    for (const auto* bad : {"1.5s", "500ms", "s", "3 s", "-1s", "soon", "03", "[3]"})
        EXPECT_THAT(complaint("timeout: " + std::string(bad) + "\n"),
                    StartsWith("demo/shop/function.yaml:3:10: timeout must be"))
            << bad;
}

TEST(Manifest, PointsAtUnknownKeysAndSuggests) {
    EXPECT_EQ(complaint("memroy_mb: 128\n"),
              "demo/shop/function.yaml:3:1: unknown key 'memroy_mb'; did you mean 'memory_mb'?");
    EXPECT_THAT(complaint("completely_else: 1\n"),
                HasSubstr("unknown key 'completely_else'; known are name, "));
}

TEST(Manifest, RefusesDuplicateKeys) {
    EXPECT_EQ(complaint("handler: other.handler\n"), "demo/shop/function.yaml:3:1: duplicate key 'handler'");
    EXPECT_EQ(complaint("environment: {A1: x, A1: y}\n"), "demo/shop/function.yaml:3:22: duplicate key 'A1'");
}

TEST(Manifest, RefusesWrongTypes) {
    EXPECT_EQ(
        complaint("memory_mb: 0256\n"),
        "demo/shop/function.yaml:3:12: memory_mb must be a whole number without leading zeros, not '0256'");
    EXPECT_THAT(complaint("memory_mb: lots\n"), HasSubstr(":3:12: memory_mb must be a whole number"));
    EXPECT_THAT(complaint("description: [a]\n"), HasSubstr(":3:14: description must be a single value"));
    EXPECT_THAT(complaint("environment: x\n"), HasSubstr(":3:14: environment must be a mapping"));
    EXPECT_THAT(complaint("aliases: {live: one}\n"), HasSubstr(":3:17: live must be a whole number"));
    EXPECT_THAT(complaint("aliases: {live: 0}\n"), HasSubstr(":3:17: versions count from 1"));
    EXPECT_THAT(complaint("aliases: {12: 1}\n"), HasSubstr(":3:11: '12' is no alias name"));
    EXPECT_THAT(fault_of(parse("- a list\n")),
                StartsWith("demo/shop/function.yaml:1:1: function.yaml must be a mapping"));
    EXPECT_THAT(fault_of(parse("")), StartsWith("demo/shop/function.yaml:1:1: "));
}

TEST(Manifest, RefusesWhatLambdaWouldRefuse) {
    EXPECT_THAT(complaint("memory_mb: 64\n"), HasSubstr("greater than or equal to 128"));
    EXPECT_THAT(fault_of(parse("runtime: cobol\nhandler: x\n")), HasSubstr("Value cobol at 'runtime'"));
    EXPECT_THAT(fault_of(parse("handler: x\n")), HasSubstr("runtime is missing"));
    EXPECT_THAT(fault_of(parse("runtime: python3.11\n")), HasSubstr("handler is missing"));
    EXPECT_THAT(complaint("name: not a name\n"), HasSubstr("is no function name"));
}

TEST(Manifest, SaysWhereItsYamlBreaks) {
    EXPECT_THAT(complaint("environment: {A: 1\n"), StartsWith("demo/shop/function.yaml:"));
    EXPECT_THAT(complaint("\ttabs: 1\n"), StartsWith("demo/shop/function.yaml:3:"));
}

}  // namespace
}  // namespace autotune::host
