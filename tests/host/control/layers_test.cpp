// Layers: published, given to functions, laid over each other, kept over restarts.
#include "host/control/layers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/control/registry.hpp"
#include "os/file.hpp"
#include "tests/host/control/api_fixture.hpp"
#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class Layers : public testing::Test {
protected:
    void SetUp() override { open(); }
    void open(PackageLimits limits = {}) {
        auto opened = Registry::open({folder_.path(), Home{}, clock_, counting_ids(), limits});
        ASSERT_TRUE(opened) << opened.error().message;
        registry_ = *std::move(opened);
    }
    std::string publish(const std::string& name, const std::vector<ZipItem>& files) {
        LayerVersion layer;
        layer.name = name;
        const auto made = registry_->publish_layer({layer, a_zip(files)});
        EXPECT_TRUE(made) << made.error().message;
        return layer_version_arn(Home{}, made->name, made->number);
    }
    Result<Configuration> create(const std::vector<std::string>& arns) {
        CreateFunctionRequest request{a_function(), a_zip({{"app.py", "1"}}), Publish::no};
        for (const auto& arn : arns) request.function.settings.layers.push_back({arn, {}});
        return registry_->create(std::move(request));
    }
    Result<Configuration> set(const std::vector<std::string>& arns) {
        UpdateSettingsRequest change;
        change.delta.layers.emplace();
        for (const auto& arn : arns) change.delta.layers->push_back({arn, {}});
        return registry_->update_settings("shop", change);
    }
    std::string read(const Configuration& c, const std::string& file) {
        return read_file(registry_->state().layers_folder(c.settings.layers) / file).value_or("(none)");
    }

    TemporaryFolder folder_;
    StillClock clock_;
    std::unique_ptr<Registry> registry_;
};

TEST_F(Layers, LaterOnesLieOverEarlierOnes) {
    const auto a = publish("a", {{"python/x.py", "a"}, {"python/only_a.py", "a"}});
    const auto b = publish("b", {{"python/x.py", "b"}});
    const auto made = create({a, b});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(read(*made, "python/x.py"), "b");
    EXPECT_EQ(read(*made, "python/only_a.py"), "a");
    EXPECT_EQ(read(*set({b, a}), "python/x.py"), "a");
    EXPECT_EQ(read(*set({b}), "python/x.py"), "b");
    EXPECT_TRUE(set({})->settings.layers.empty());
}

TEST_F(Layers, SurviveARestartAndTheirOwnRemoval) {
    const auto first = publish("a", {{"x", "1"}});
    EXPECT_THAT(publish("a", {{"x", "2"}}), testing::EndsWith(":layer:a:2"));
    ASSERT_TRUE(create({first}));
    ASSERT_TRUE(registry_->remove_layer_version("a", 1));
    const auto before = registry_->layers().all();
    open();
    EXPECT_EQ(registry_->layers().all(), before);
    EXPECT_EQ(read(*registry_->store().resolve({"shop", ""}), "x"), "1") << "who has it keeps it";
    EXPECT_THAT(fault_of(set({first})), HasSubstr("Layer version " + first + " does not exist"));
    EXPECT_THAT(publish("a", {{"x", "3"}}), testing::EndsWith(":layer:a:3")) << "a number is never used again";
}

TEST_F(Layers, WhatNoFunctionHasAnyMoreIsSwept) {
    const auto a = publish("a", {{"x", "1"}}), b = publish("b", {{"y", "2"}});
    const auto before = create({a, b});
    ASSERT_TRUE(before) << before.error().message;
    const auto after = set({b, a});
    ASSERT_TRUE(after) << after.error().message;
    const auto folder = [&](const Configuration& c) { return registry_->state().layers_folder(c.settings.layers); };
    const auto old = folder(*before), current = folder(*after), unfinished = folder_.path() / "opt" / "begun.part";
    fs::create_directories(unfinished);
    open();
    EXPECT_FALSE(fs::exists(old));
    EXPECT_FALSE(fs::exists(unfinished));
    EXPECT_TRUE(fs::exists(current));
    EXPECT_EQ(read(*registry_->store().resolve({"shop", ""}), "y"), "2");
    EXPECT_EQ(read(*set({a, b}), "x"), "1") << "it is made again when it is wanted again";
}

TEST_F(Layers, OfAVersionThatAFunctionHasAreKept) {
    const auto a = publish("a", {{"x", "1"}}), b = publish("b", {{"y", "2"}});
    ASSERT_TRUE(create({a, b}));
    ASSERT_TRUE(registry_->publish("shop", {}));
    ASSERT_TRUE(set({}));
    open();
    EXPECT_EQ(read(*registry_->store().resolve({"shop", "1"}), "y"), "2");
}

TEST_F(Layers, AFunctionHasAtMostFiveAndOneVersionOfEach) {
    std::vector<std::string> six;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) six.push_back(publish(name, {{"x", name}}));
    EXPECT_THAT(fault_of(create(six)), HasSubstr("Cannot reference more than 5 layers"));
    EXPECT_THAT(fault_of(create({six[0], publish("a", {{"x", "2"}})})), HasSubstr("Two different versions"));
    EXPECT_THAT(fault_of(create({"arn:x"})), StartsWith("ValidationException"));
    EXPECT_THAT(fault_of(create({layer_version_arn(Home{}, "none", 1)})), HasSubstr("does not exist"));
    EXPECT_TRUE(registry_->store().all().empty());
}

TEST_F(Layers, CodeAndLayersTogetherAreLimited) {
    const auto a = publish("a", {{"x", std::string(600, 'x')}}), b = publish("b", {{"y", std::string(600, 'y')}});
    PackageLimits limits;
    limits.unzipped = 1000;
    open(limits);
    EXPECT_TRUE(create({a}));
    EXPECT_THAT(fault_of(set({a, b})), HasSubstr("The actual size is 1201 bytes"));
}

class LayersApi : public ApiFixture {
protected:
    ApiAnswer publish(const std::string& name, const std::string& runtime) {
        return send("POST", "/2018-10-31/layers/" + name + "/versions",
                    {{"Content", {{"ZipFile", to_base64(a_zip({{"python/m.py", name}}))}}},
                     {"CompatibleRuntimes", {runtime}}});
    }
};

TEST_F(LayersApi, AreListedNewestFirstByWhatTheyAreFor) {
    EXPECT_EQ(publish("m", "python3.11").json()["LayerVersionArn"], layer_version_arn(Home{}, "m", 1));
    (void)publish("m", "nodejs20.x");
    const auto all = get("/2018-10-31/layers/m/versions").json()["LayerVersions"];
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0]["Version"], 2);
    EXPECT_EQ(get("/2018-10-31/layers/m/versions?MaxItems=1").json()["NextMarker"], "1");
    EXPECT_EQ(get("/2018-10-31/layers/m/versions?MaxItems=1&Marker=1").json()["LayerVersions"][0]["Version"], 1);
    EXPECT_EQ(get("/2018-10-31/layers/m/versions?CompatibleRuntime=python3.11").json()["LayerVersions"].size(), 1u);
    EXPECT_EQ(get("/2018-10-31/layers?CompatibleRuntime=python3.11").json()["Layers"][0]["LatestMatchingVersion"]["Version"], 1);
    EXPECT_TRUE(get("/2018-10-31/layers/none/versions").json()["LayerVersions"].empty());
}

TEST_F(LayersApi, APageGoesOnThoughItsFirstVersionWasRemoved) {
    for (int i = 0; i < 12; ++i) (void)publish("m", "python3.11");
    EXPECT_EQ(get("/2018-10-31/layers/m/versions?MaxItems=2").json()["NextMarker"], "10");
    EXPECT_EQ(send("DELETE", "/2018-10-31/layers/m/versions/10").status, 204);
    const auto rest = get("/2018-10-31/layers/m/versions?Marker=10").json()["LayerVersions"];
    ASSERT_EQ(rest.size(), 9u);
    EXPECT_EQ(rest[0]["Version"], 9);
    EXPECT_THAT(get("/2018-10-31/layers/m/versions?Marker=x").fault(), StartsWith("400 InvalidParameterValueException"));
}

TEST_F(LayersApi, OfOtherRegionsAndAccountsAreNotHere) {
    EXPECT_EQ(publish(layer_arn(Home{}, "m"), "python3.11").json()["LayerVersionArn"], layer_version_arn(Home{}, "m", 1));
    for (const Home& home : {Home{.region = "eu-west-1", .account = Home{}.account},
                             Home{.region = Home{}.region, .account = "123456789012"}}) {
        const auto foreign = layer_arn(home, "m");
        EXPECT_THAT(publish(foreign, "python3.11").fault(), StartsWith("404 ResourceNotFoundException"));
        EXPECT_THAT(get("/2018-10-31/layers/" + foreign + "/versions").fault(), StartsWith("404 ResourceNotFoundException"));
        EXPECT_THAT(get("/2018-10-31/layers/" + foreign + "/versions/1").fault(), StartsWith("404 ResourceNotFoundException"));
        EXPECT_THAT(send("DELETE", "/2018-10-31/layers/" + foreign + "/versions/1").fault(), StartsWith("404 ResourceNotFoundException"));
    }
    EXPECT_EQ(get("/2018-10-31/layers/m/versions/1").status, 200);
    EXPECT_THAT(publish("arn:x:layer:m", "python3.11").fault(), StartsWith("400 ValidationException"));
}

TEST_F(LayersApi, GoWithTheFunctionToTheSandbox) {
    const std::string arn = publish("m", "python3.11").json()["LayerVersionArn"];
    EXPECT_EQ(get("/2018-10-31/layers?find=LayerVersion&Arn=" + arn).json()["Version"], 1);
    const auto made = create("shop", {{"Layers", {arn}}});
    EXPECT_EQ(made.json()["Layers"][0]["Arn"], arn);
    EXPECT_GT(made.json()["Layers"][0]["CodeSize"], 0);
    invoker().answers.push_back(InvokeResult::Kind::ok);
    EXPECT_EQ(invoke("shop/invocations").status, 200);
    EXPECT_EQ(read_file(invoker().asked.back().function->layers / "python/m.py").value_or(""), "m");
    EXPECT_EQ(send("DELETE", "/2018-10-31/layers/m/versions/1").status, 204);
    EXPECT_THAT(get("/2018-10-31/layers/m/versions/1").fault(), StartsWith("404 ResourceNotFoundException"));
    EXPECT_EQ(get(functions + "/shop/configuration").json()["Layers"][0]["Arn"], arn);
}

}  // namespace
}  // namespace autotune::host
