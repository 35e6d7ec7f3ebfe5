#include "host/control/deploy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Deploying : public testing::Test {
protected:
    void SetUp() override {
        put("shop", "runtime: python3.11\nhandler: app.handler\naliases: {live: 1}\n");
        restart();
    }
    void put(const char* name, const char* manifest, const char* code = "pass") {
        put_file(functions() / name / "function.yaml", manifest);
        put_file(functions() / name / "app.py", code);
    }
    void restart() {
        registry_.reset();
        auto opened = Registry::open({folder_.path() / "state", Home{}, clock_, {}, {}});
        ASSERT_TRUE(opened) << opened.error().message;
        registry_ = *std::move(opened);
    }
    Status deploy() {
        notes_.clear();
        return deploy_folders(*registry_, functions(),
                              [this](std::string_view line) { notes_.emplace_back(line); });
    }
    fs::path functions() const { return folder_.path() / "functions"; }
    const Function& shop() const { return registry_->store().all().at("shop"); }

    TemporaryFolder folder_;
    StillClock clock_;
    std::unique_ptr<Registry> registry_;
    std::vector<std::string> notes_;
};

TEST_F(Deploying, MakesFunctionsVersionsAndAliases) {
    ASSERT_TRUE(deploy());
    EXPECT_THAT(notes_, ElementsAre("created shop (python3.11, 128 MB)", "alias live of shop is version 1"));
    EXPECT_EQ(shop().aliases.at("live").version, "1");
    EXPECT_EQ(shop().versions.at(1).settings.handler, "app.handler");
}

TEST_F(Deploying, AgainChangesNothing) {
    ASSERT_TRUE(deploy());
    const auto before = registry_->store().all();
    restart();
    ASSERT_TRUE(deploy());
    EXPECT_THAT(notes_, IsEmpty());
    EXPECT_EQ(registry_->store().all(), before);
}

TEST_F(Deploying, UndoesNothingThatTheApiChanged) {
    ASSERT_TRUE(deploy());
    UpdateSettingsRequest bigger;
    bigger.delta.memory_mb = 256;
    ASSERT_TRUE(registry_->update_settings("shop", bigger));
    ASSERT_TRUE(registry_->publish("shop", {}));
    AliasChange moved;
    moved.name = "live";
    moved.version = "2";
    ASSERT_TRUE(registry_->update_alias("shop", moved));
    restart();
    ASSERT_TRUE(deploy());
    EXPECT_EQ(shop().latest.settings.memory_mb, 256u);
    EXPECT_EQ(shop().aliases.at("live").version, "2");
}

TEST_F(Deploying, TakesChangedFilesIntoLatestAndLeavesAliasesAlone) {
    ASSERT_TRUE(deploy());
    put("shop", "runtime: python3.11\nhandler: app.handler\nmemory_mb: 512\naliases: {live: 1}\n",
        "changed = True");
    restart();
    ASSERT_TRUE(deploy());
    EXPECT_THAT(notes_, ElementsAre("updated $LATEST of shop"));
    EXPECT_EQ(shop().latest.settings.memory_mb, 512u);
    EXPECT_NE(shop().latest.code, shop().versions.at(1).code);
    EXPECT_EQ(shop().aliases.at("live").version, "1");
}

TEST_F(Deploying, OfAnEmptyFolderIsFine) {
    fs::remove_all(functions());
    fs::create_directories(functions() / "no-manifest-in-here");
    EXPECT_TRUE(deploy());
    EXPECT_TRUE(registry_->store().all().empty());
}

TEST_F(Deploying, TakesAllExamples) {
    const fs::path examples = fs::path(AUTOTUNE_SOURCE_DIR) / "examples/functions";
    ASSERT_TRUE(deploy_folders(*registry_, examples, {}));
    std::vector<std::string> names;
    for (const auto& [name, function] : registry_->store().all()) {
        names.push_back(name);
        EXPECT_EQ(function.aliases.at("live").version, "1") << name;
        EXPECT_TRUE(fs::exists(examples / name / "event.json")) << name;
    }
    EXPECT_THAT(names, ElementsAre("booking", "checkout", "hello", "mailer", "offer", "prices", "report", "stock", "thumbnail"));
}

TEST_F(Deploying, SaysWhatIsWrongWithWhichFolder) {
    put("bad", "runtime: python3.11\nhandlr: x\n");
    EXPECT_THAT(fault_of(deploy()),
                HasSubstr("bad/function.yaml:2:1: unknown key 'handlr'; did you mean 'handler'?"));
    put("bad", "runtime: python3.11\nhandler: x\naliases: {live: 3}\n");
    EXPECT_THAT(fault_of(deploy()),
                HasSubstr("alias live wants version 3, but the next one to publish is 1"));
    fs::remove_all(functions());
    EXPECT_THAT(fault_of(deploy()), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace autotune::host
