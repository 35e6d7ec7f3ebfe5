#include "cli/map_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "rules/workflow/load.hpp"

namespace autotune::cli {
namespace {

using testing::HasSubstr;

std::optional<std::string> machine(const std::string& settings) {
    return map_state_machine(Wrap{.remedy = "map_reduce", .settings = settings, .words = "", .timeout = {}, .layer = "", .handler = {}},
                             {"aws-lambda", "import"});
}

TEST(MapState, IsAStateMachineThatCallsTheFunctionInBatches) {
    const auto text = machine(R"({"over":"event.order.items","part":20,"concurrency":4,"reduce":"concat"})");
    ASSERT_TRUE(text);
    const auto loaded = rules::load_workflows(*text, rules::Syntax::json, "import");
    EXPECT_TRUE(loaded.diagnostics.empty());
    EXPECT_EQ(loaded.workflows.size(), 1u);
    const auto map = nlohmann::json::parse(*text)["States"]["map"];
    EXPECT_EQ(map["ItemsPath"], "$.order.items");
    EXPECT_EQ(map["ItemBatcher"]["MaxItemsPerBatch"], 20);
    EXPECT_EQ(map["MaxConcurrency"], 4);
    const auto part = map["ItemProcessor"]["States"]["part"];
    EXPECT_EQ(part["Parameters"]["FunctionName"], "import");
    EXPECT_EQ(part["Parameters"]["Payload"]["order"]["items.$"], "$.Items");
    EXPECT_EQ(map["ResultSelector"]["items.$"], "$[*][*]");
}

TEST(MapState, SaysWhatStepFunctionsCannotDo) {
    const auto text = machine(R"({"over":"event","reduce":"sum"})");
    EXPECT_THAT(*text, HasSubstr("put them together by sum"));
    EXPECT_THAT(*text, HasSubstr(R"("Payload.$": "$.Items")"));
    EXPECT_FALSE(machine(""));
    EXPECT_FALSE(machine("{}"));
    EXPECT_FALSE(map_state_machine(Resize{1, 2}, {}));
}

}  // namespace
}  // namespace autotune::cli
