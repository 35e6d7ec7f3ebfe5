#include "host/control/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/file.hpp"
#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class RegistryOnDisk : public testing::Test {
protected:
    void SetUp() override { open(); }
    // As a restarted host would.
    void open() {
        auto opened = Registry::open({folder_.path(), Home{}, clock_, counting_ids(), {}});
        ASSERT_TRUE(opened) << opened.error().message;
        registry_ = *std::move(opened);
        registry_->when_superseded([this](const Configuration& c) { superseded_.push_back(c.version); });
    }
    static CreateFunctionRequest request(std::string code = "print(1)") {
        return {a_function(), a_zip({{"app.py", std::move(code)}}), Publish::no};
    }
    Result<Configuration> resize(std::uint32_t memory_mb) {
        UpdateSettingsRequest change;
        change.delta.memory_mb = memory_mb;
        return registry_->update_settings("shop", change);
    }
    fs::path code_of(const Configuration& c) const { return registry_->state().code_folder(c.code.sha256); }

    TemporaryFolder folder_;
    StillClock clock_;
    std::unique_ptr<Registry> registry_;
    std::vector<std::string> superseded_;
};

TEST_F(RegistryOnDisk, SurvivesARestartWhole) {
    ASSERT_TRUE(registry_->create(request()));
    ASSERT_TRUE(registry_->publish("shop", {}));
    ASSERT_TRUE(resize(256));
    ASSERT_TRUE(registry_->publish("shop", {{}, {}, "bigger"}));
    AliasChange alias;
    alias.name = "live";
    alias.version = "1";
    alias.weights = std::map<std::string, double>{{"2", 0.1}};
    ASSERT_TRUE(registry_->create_alias("shop", alias));
    ASSERT_TRUE(registry_->tag("shop", std::map<std::string, std::string>{{"tier", "prod"}}));
    ASSERT_TRUE(registry_->reserve_concurrency("shop", 3));
    ASSERT_TRUE(registry_->provision("shop", "1", 2));
    ASSERT_TRUE(registry_->set_origin("shop", "o"));
    const auto before = registry_->store().all();
    open();
    EXPECT_EQ(registry_->store().all(), before);
    EXPECT_EQ(*read_file(code_of(before.at("shop").latest) / "app.py"), "print(1)");
}

TEST_F(RegistryOnDisk, ForgetsWhatWasDeleted) {
    ASSERT_TRUE(registry_->create(request()));
    const auto code = code_of(*registry_->store().resolve({"shop", ""}));
    ASSERT_TRUE(registry_->remove("shop"));
    open();
    EXPECT_TRUE(registry_->store().all().empty());
    EXPECT_FALSE(fs::exists(code)) << "code that nobody needs is swept at start";
}

TEST_F(RegistryOnDisk, KeepsTheCodeOfOldVersions) {
    ASSERT_TRUE(registry_->create(request("old")));
    const auto first = registry_->publish("shop", {});
    ASSERT_TRUE(registry_->update_code("shop", {a_zip({{"app.py", "new"}}), {}, Publish::no, DryRun::no}));
    open();
    EXPECT_EQ(*read_file(code_of(*first) / "app.py"), "old");
    EXPECT_EQ(*read_file(code_of(*registry_->store().resolve({"shop", ""})) / "app.py"), "new");
}

TEST_F(RegistryOnDisk, TellsWhichSnapshotsNobodyWillUse) {
    ASSERT_TRUE(registry_->create(request()));
    ASSERT_TRUE(registry_->publish("shop", {}));
    EXPECT_THAT(superseded_, ElementsAre());
    ASSERT_TRUE(resize(256));
    ASSERT_TRUE(registry_->update_code("shop", {a_zip({{"app.py", "new"}}), {}, Publish::no, DryRun::no}));
    ASSERT_TRUE(registry_->remove("shop"));
    EXPECT_THAT(superseded_, ElementsAre("$LATEST", "$LATEST", "$LATEST", "1"));
}

TEST_F(RegistryOnDisk, DryRunOfNewCodeChangesNothing) {
    const auto created = registry_->create(request());
    const auto would_be =
        registry_->update_code("shop", {a_zip({{"app.py", "new"}}), {}, Publish::no, DryRun::yes});
    EXPECT_NE(would_be->code, created->code);
    EXPECT_EQ(registry_->store().resolve({"shop", ""})->code, created->code);
}

TEST_F(RegistryOnDisk, CanPublishWhatItCreates) {
    auto wanted = request();
    wanted.publish = Publish::yes;
    EXPECT_EQ(registry_->create(std::move(wanted))->version, "1");
}

TEST_F(RegistryOnDisk, RefusedFunctionsLeaveNothingBehind) {
    auto wanted = request();
    wanted.zip = "this is no zip";
    EXPECT_THAT(fault_of(registry_->create(std::move(wanted))), HasSubstr("Could not unzip"));
    wanted = request();
    wanted.function.settings.memory_mb = 1;
    EXPECT_THAT(fault_of(registry_->create(std::move(wanted))), StartsWith("ValidationException"));
    EXPECT_TRUE(registry_->store().all().empty());
    EXPECT_TRUE(fs::is_empty(folder_.path() / "functions"));
    EXPECT_TRUE(fs::is_empty(folder_.path() / "code"));
}

TEST_F(RegistryOnDisk, TakesAChangeBackThatCannotBeSaved) {
    ASSERT_TRUE(registry_->create(request()));
    const auto before = registry_->store().all();
    fs::remove_all(folder_.path() / "functions");
    put_file(folder_.path() / "functions", "a file where a folder should be");
    EXPECT_THAT(fault_of(resize(256)), StartsWith("ServiceException"));
    EXPECT_EQ(registry_->store().all(), before);
}

TEST_F(RegistryOnDisk, DoesNotStartOnStateItCannotRead) {
    put_file(folder_.path() / "functions" / "broken.json", "{\"format\": 1");
    const auto opened = Registry::open({folder_.path(), Home{}, clock_, counting_ids(), {}});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_THAT(opened.error().message, HasSubstr("broken.json"));
}

}  // namespace
}  // namespace autotune::host
