// From calls on record and the platform's own code to a package: what is in it, and what is refused.
#include "cli/regrouping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/state_folder.hpp"
#include "host/control/digest.hpp"
#include "knowledge/sqlite_store.hpp"
#include "os/file.hpp"
#include "tests/cli/shop.hpp"

namespace autotune::cli {
namespace {

using ::testing::HasSubstr;

TEST_F(Regrouping, MakesThePackageThatKeepsTheDeploymentsHandler) {
    const auto made = fused();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(describe(made->deploy), "fuse with price, tax");
    EXPECT_EQ(kind_of(made->deploy), "recluster");
    EXPECT_THAT(made->predicted, HasSubstr("of 40 requests: GB-s each"));
    const std::string zip = read_file(made->deploy.package).value();
    EXPECT_EQ(made->deploy.code_hash, host::sha256_base64(zip));
    const fs::path code = unpacked(made->deploy);
    EXPECT_EQ(read_file(code / "app.py").value(), "from autotune_group import handler as main\n");
    EXPECT_TRUE(fs::exists(code / "autotune_group.py"));
    EXPECT_EQ(read_file(code / "members/tax/app.py").value(), "# tax\ndef main(event, context): pass\n");
    EXPECT_FALSE(fs::exists(code / "members/mail")) << "nobody waits for it";
    const auto config = nlohmann::json::parse(read_file(code / "autotune_group.json").value());
    EXPECT_EQ(config["entry"], "front");
    EXPECT_EQ(config["members"]["price"], nlohmann::json({{"handler", "app.main"}, {"timeout_s", 30}}));
    EXPECT_EQ(config["qualifiers"], nlohmann::json({"live"}));
    EXPECT_EQ(config["environment"], nlohmann::json::object()) << "the deployment has them, and they may be secrets";
    // Nothing else is left there.
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "groups"), fs::directory_iterator()), 1);
}

TEST_F(Regrouping, NodeAndNestedHandlersStayTheirOwn) {
    for (auto& [name, item] : shop_.items) {
        item.state.config.runtime = "nodejs20.x";
        item.state.config.handler = "src/shop/app.main";
        item.files = {{"src/shop/app.js", "exports.main = async () => null;\n"}};
    }
    const auto made = fused();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(read_file(unpacked(made->deploy) / "src/shop/app.js").value(), "exports[\"main\"] = require(\"../../autotune_group.js\").handler;\n");
    for (auto& [name, item] : shop_.items) item.state.config.handler = "members/app.main";
    EXPECT_THAT(why_not(), HasSubstr("cannot stay the handler"));
}

TEST_F(Regrouping, WhatDoesNotFitStaysOutAndIsTold) {
    const auto without_price = [&](auto change, const std::string& why) {
        const Shop::Item kept = shop_.items["price"];
        change(shop_.items["price"].state);
        EXPECT_THAT(why_not(), HasSubstr(why));
        shop_.items["price"] = kept;
    };
    without_price([](FunctionState& s) { s.config.runtime = "nodejs20.x"; }, "runtime");
    without_price([](FunctionState& s) { s.config.runtime = "go1.x"; }, "price runs on go1.x");
    without_price([](FunctionState& s) { s.config.role = "other"; }, "role");
    without_price([](FunctionState& s) { s.config.environment["TOKEN"] = "s3cret"; }, "price has a variable TOKEN, which front has not");
    without_price([](FunctionState& s) { s.config.environment["STAGE"] = "other"; }, "price has another value of STAGE than front");
    without_price([](FunctionState& s) { s.config.layers = {"arn:layer:1"}; }, "price has a layer");
    without_price([](FunctionState& s) { s.head.tuned.remedy = "{}", s.builds["1"] = s.head; }, "price has a remedy put around it");
    without_price([](FunctionState& s) { s.head.tuned.code_hash = "newer"; }, "unpublished changes");
    without_price([](FunctionState& s) { s.aliases[0].candidate = "2"; }, "split between two versions");
    without_price([](FunctionState& s) { s.config.memory_mb = 1024, s.config.timeout = std::chrono::milliseconds(100); }, "timeout");
    shop_.items.erase("tax");
    const auto made = fused();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(describe(made->deploy), "fuse with price");
}

TEST_F(Regrouping, AFunctionWithOtherSurroundingsStaysOut) {
    const auto rest = [&](const char* name, const std::string& text) {
        FunctionState& state = shop_.items[name].state;
        state.head.rest = text;
        state.builds["1"] = state.head;
    };
    for (const char* name : {"front", "price", "tax"})
        rest(name, R"({"VpcConfig":{"SubnetIds":["a","b"],"SecurityGroupIds":["s"],"VpcId":"v"},"Role":")" + std::string(name) + "\"}");
    rest("tax", R"({"VpcConfig":{"SubnetIds":["b","a"],"SecurityGroupIds":["s"],"VpcId":"v"},"FileSystemConfigs":[],"EphemeralStorage":{"Size":512}})");
    const auto made = fused();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(describe(made->deploy), "fuse with price, tax");
    const std::string net = R"({"VpcConfig":{"SubnetIds":["a","b"],"SecurityGroupIds":["s"]})";
    for (const auto& [text, what] : std::map<std::string, std::string>{
             {net + R"(,"EphemeralStorage":{"Size":1024}})", "ephemeral storage"},
             {net + R"(,"FileSystemConfigs":[{"Arn":"fs","LocalMountPath":"/mnt/a"}]})", "file systems"},
             {R"({"VpcConfig":{"SubnetIds":["a","b"],"SecurityGroupIds":["s","t"]}})", "security groups"},
             {R"({"VpcConfig":{"SubnetIds":["a"],"SecurityGroupIds":["s"]}})", "subnets"},
             {"{}", "security groups"},
             {"opaque", "configuration"}}) {
        rest("price", text);
        EXPECT_THAT(why_not(), HasSubstr("price has other " + what + " than front")) << text;
    }
}

TEST_F(Regrouping, AFunctionWithConcurrencyOfItsOwnStaysOut) {
    shop_.limits.insert_or_assign("front", 5u);  // which its group has too
    EXPECT_TRUE(fused());
    shop_.limits.insert_or_assign("price", 2u);
    EXPECT_THAT(why_not(), HasSubstr("price has reserved concurrency"));
    shop_.limits.insert_or_assign("price", fail(Errc::permission_denied, "HTTP 403"));
    EXPECT_THAT(why_not(), HasSubstr("price has perhaps reserved concurrency, which may not be read"));
    shop_.limits.insert_or_assign("price", fail(Errc::unsupported, "no such thing here"));
    EXPECT_TRUE(fused());
    shop_.limits.insert_or_assign("price", fail(Errc::unavailable, "HTTP 500"));
    EXPECT_EQ(fused().error().code, Errc::unavailable);
}

TEST_F(Regrouping, WhatMayNotBeReadStaysOut) {
    for (std::set<std::string>* kept : {&shop_.hidden, &shop_.without_code}) {
        *kept = {"tax"};
        const auto made = fused();
        ASSERT_TRUE(made) << made.error().message;
        EXPECT_EQ(describe(made->deploy), "fuse with price");
        *kept = {"price"};
        EXPECT_THAT(why_not(), HasSubstr("price may not be read"));
        *kept = {"front"};
        EXPECT_EQ(fused().error().code, Errc::permission_denied);
        kept->clear();
    }
}

TEST_F(Regrouping, ACallerWhoseSdkIsPartOfABundleHasNoGroup) {
    for (auto& [name, item] : shop_.items) {
        item.state.config.runtime = "nodejs20.x";
        item.files = {{"app.js", "exports.main = async () => null;\n"}};
    }
    const std::string bundle = "class InvokeCommand {}\nclient.send(new InvokeCommand({}));\n";
    shop_.items["tax"].files["app.js"] = bundle;
    const auto made = fused();
    ASSERT_TRUE(made) << "tax waits for nobody: " << made.error().message;
    shop_.items["price"].files["app.js"] = bundle;
    EXPECT_THAT(why_not(), HasSubstr("price seems to have the AWS SDK within its own file"));
}

TEST_F(Regrouping, WhatCannotBeFusedAtAllSaysWhy) {
    shop_.items["front"].state.aliases.clear();
    EXPECT_THAT(why_not(), HasSubstr("no alias to split"));
    shop_.put("front", 512);
    EXPECT_THAT(why_not(), HasSubstr("max_memory_mb: 1024 would be needed"));
    shop_.put("front").files["autotune_group.json"] = "{}";
    EXPECT_THAT(why_not(), HasSubstr("front is a group already"));
    EXPECT_THAT(fuse(place_, {"aws-lambda", "tax"}, shop_log()).error().message, HasSubstr("calls no other function"));
    EXPECT_EQ(fuse(place_, {"aws-lambda", "nobody"}, shop_log()).error().code, Errc::unavailable) << "it has no requests yet";
}

// An agent that gave up calls to keep its budget: front seems to call nobody.
TEST_F(Regrouping, RequestsWhoseCallsAreNotKnownAreNotRequestsWithoutCalls) {
    fs::create_directories(place_.state);
    auto store = SqliteStore::open(store_file(place_.state));
    ASSERT_TRUE(store) << store.error().message;
    std::vector<Invocation> all;
    for (int n = 0; n < 40; ++n) {
        Invocation& i = all.emplace_back();
        i.id = InvocationId("f" + std::to_string(n));
        i.function = {"aws-lambda", "front"};
        i.start = Timestamp(std::chrono::seconds(n)), i.end = i.start + std::chrono::milliseconds(200);
        i.wall_start = WallTime(std::chrono::seconds(n));
        i.duration = i.end - i.start;
        i.memory_mb = 1024;
        i.status = InvocationStatus::ok;
        i.calls_are_known = n < 10;
    }
    ASSERT_TRUE((*store)->append(all));
    const auto made = regroup(place_, {"aws-lambda", "front"}, {.op = rules::ReclusterStep::Op::fuse});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::unavailable);
    EXPECT_THAT(made.error().message, HasSubstr("its requests 10 without cold starts"));
    EXPECT_THAT(made.error().message, HasSubstr("; of the records: 30 invocations whose calls were not recorded"));
    EXPECT_EQ(shop_.asked, 0) << "what is known here comes first";
}

TEST_F(Regrouping, SplitGivesTheFunctionItsOwnCodeBack) {
    const auto made = fused();
    ASSERT_TRUE(made);
    EXPECT_THAT(split(place_, {"aws-lambda", "front"}).error().message, HasSubstr("it is no group"));
    const auto own = shop_.items["front"].files;
    auto& files = shop_.items["front"].files;
    files.clear();
    const fs::path code = unpacked(made->deploy);
    for (const auto& file : fs::recursive_directory_iterator(code))
        if (file.is_regular_file()) files[file.path().lexically_relative(code)] = read_file(file.path()).value();
    const auto back = split(place_, {"aws-lambda", "front"});
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(describe(back->deploy), "split from price, tax");
    const fs::path alone = unpacked(back->deploy);
    EXPECT_EQ(read_file(alone / "app.py").value(), own.at("app.py"));
    EXPECT_FALSE(fs::exists(alone / "autotune_group.json"));

    shop_.items["front"].state.config.handler = "autotune_group.handler";
    EXPECT_THAT(split(place_, {"aws-lambda", "front"}).error().message, HasSubstr("was another by itself"));
    shop_.items["front"].state.config.handler = "app.main";
    shop_.items.erase("tax");
    EXPECT_THAT(split(place_, {"aws-lambda", "front"}).error().message, HasSubstr("tax has no deployment of its own any more"));
}

}  // namespace
}  // namespace autotune::cli
