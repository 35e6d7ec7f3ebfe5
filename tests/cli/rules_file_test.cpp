#include "cli/rules_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "providers/aws_lambda.hpp"

namespace autotune::cli {
namespace {

class RulesFile : public ::testing::Test {
protected:
    RulesFile() : folder_(std::filesystem::path(::testing::TempDir()) / "rules_file") { std::filesystem::create_directories(folder_); }
    ~RulesFile() override { std::filesystem::remove_all(folder_); }

    Result<rules::Loaded> with_tariff(const std::string& tariff) {
        const std::string file = folder_ / "rules.yaml";
        std::ofstream(file) << "version: 1\nrules: [{name: a, when: fn.errors > 0, plan: [{resize: {tariff: " << tariff << "}}]}]\n";
        return load_rules_file(file);
    }

private:
    std::filesystem::path folder_;
};

TEST_F(RulesFile, KnowsTheTariffsThatComeWithTheProgram) {
    const auto loaded = with_tariff("cloud-run");
    ASSERT_TRUE(loaded && loaded->rules);
    EXPECT_EQ(std::get<rules::ResizeStep>(loaded->rules->rules[0].plan[0].what).tariff->name, "cloud-run");
    EXPECT_FALSE(with_tariff("cloud-walk")->rules);
}

// By name alone; a name that nobody has would silently be GB-s.
TEST_F(RulesFile, KnowsTheTariffOfThePlatformThatTheLoopSteers) {
    const auto loaded = with_tariff("cloud-run");
    ASSERT_TRUE(loaded && loaded->rules && loaded->rules->tariffs);
    const SystemClock clock;
    const auto options = options_from([](const char* name) -> const char* {
        const std::string_view asked = name;
        if (asked == "AWS_ENDPOINT_URL_LAMBDA") return "http://127.0.0.1:1";
        return asked == "AWS_REGION" ? "eu-central-1" : asked.starts_with("AWS_") && asked.find("KEY") != asked.npos ? "x" : nullptr;
    });
    ASSERT_TRUE(options) << options.error().message;
    const std::string name = AwsLambda(*options, clock).capabilities().tariff;
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(std::any_of(loaded->rules->tariffs->begin(), loaded->rules->tariffs->end(), [&](const Tariff& t) { return t.name == name; })) << name;
}

}  // namespace
}  // namespace autotune::cli
