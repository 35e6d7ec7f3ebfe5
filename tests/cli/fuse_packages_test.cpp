// Groups as packages: what the members' files are is kept, and a function's name is no path.
#include "cli/fuse_packages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "host/control/package.hpp"
#include "os/file.hpp"
#include "tests/knowledge/builders.hpp"

namespace autotune::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class FusePackages : public testing::Test {
protected:
    void put(const std::string& name, const std::string& text, fs::perms mode = fs::perms(0644)) {
        const fs::path file = sources() / name;
        fs::create_directories(file.parent_path());
        ASSERT_TRUE(replace_file(file, text));
        fs::permissions(file, mode);
    }
    void put_function(const std::string& name) {
        put(name + "/function.yaml", "runtime: python3.11\nhandler: app.handler\n");
        put(name + "/app.py", "def handler(event, context): pass\n");
    }
    // Of one group of `names`, each called by somebody else.
    Result<std::vector<GroupPackage>> packages(const std::vector<std::string>& names) {
        FuseVerdict verdict;
        rules::Group group;
        for (const std::string& name : names) {
            group.push_back(verdict.log.function(name));
            rules::RecordedInvocation made;
            made.function = group.back();
            rules::Trace trace;
            trace.invocations.push_back(std::move(made));
            verdict.log.traces.push_back(std::move(trace));
        }
        verdict.plan.groups = {group};
        verdict.plan.memory_mb = {256};
        return write_packages(verdict, sources(), folder_ / "out");
    }
    fs::path unpacked(const fs::path& zip) {
        const fs::path to = folder_ / ("unpacked-" + zip.filename().string()).c_str();
        EXPECT_TRUE(host::unpack(read_file(zip).value(), to));
        return to;
    }
    [[nodiscard]] fs::path sources() const { return folder_ / "sources"; }

    test::TempFolder folder_;
};

TEST_F(FusePackages, KeepWhatMayBeExecutedAndLinks) {
    put_function("front");
    put_function("price");
    put("price/bin/tool", "#!/bin/sh\n", fs::perms(0755));
    put("price/conf/function.yaml", "the function's own");
    fs::create_symlink("tool", sources() / "price/bin/alias");
    fs::create_directory_symlink("bin", sources() / "price/programs");
    const auto made = packages({"front", "price"});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->size(), 2u);
    for (const fs::path& price : {unpacked(made->at(0).zip) / "members/price", unpacked(made->at(1).original)}) {
        EXPECT_EQ(fs::status(price / "bin/tool").permissions() & fs::perms::owner_all, fs::perms::owner_all);
        EXPECT_EQ(fs::status(price / "app.py").permissions() & fs::perms::owner_exec, fs::perms::none);
        EXPECT_EQ(fs::read_symlink(price / "bin/alias"), "tool");
        EXPECT_EQ(fs::read_symlink(price / "programs"), "bin");
        EXPECT_TRUE(fs::exists(price / "conf/function.yaml"));
        EXPECT_FALSE(fs::exists(price / "function.yaml"));
    }
    EXPECT_TRUE(fs::exists(folder_ / "unpacked-front.zip/autotune_group.py"));
}

TEST_F(FusePackages, HaveTheVariablesOfAllMembers) {
    put_function("front"), put_function("price");
    put("price/function.yaml", "runtime: python3.11\nhandler: app.handler\nenvironment: {TABLE: x, STAGE: demo}\n");
    put("front/function.yaml", "runtime: python3.11\nhandler: app.handler\nenvironment: {STAGE: demo, LEVEL: '1'}\n");
    const auto made = packages({"front", "price"});
    ASSERT_TRUE(made) << made.error().message;
    for (const GroupPackage& package : *made) {
        const auto config = nlohmann::json::parse(read_file(unpacked(package.zip) / "autotune_group.json").value());
        EXPECT_EQ(config["environment"], nlohmann::json({{"TABLE", "x"}, {"STAGE", "demo"}, {"LEVEL", "1"}}));
    }
}

TEST_F(FusePackages, WarnOfFilesThatAreOpenedFromTheWorkingFolder) {
    put_function("front"), put_function("price");
    put("price/library/__init__.py", ""), put("price/library/data.json", "{}");
    put("price/other-1.0.dist-info/METADATA", ""), put("price/requirements.txt", "");
    EXPECT_THAT(deployment_of(packages({"front", "price"}).value()), Not(HasSubstr("warning")));
    put("price/conf/rates.json", "{}"), put("price/words.txt", "");
    EXPECT_THAT(deployment_of(packages({"front", "price"}).value()),
                HasSubstr("# warning: price has files that are no code (\"conf/rates.json\" and 1 more)"));
}

TEST_F(FusePackages, WarningsComeFromRealFilesOnly) {
    put_function("front"), put_function("price");
    put("price/library/app.py", "");
    fs::create_symlink("__init__.py", sources() / "price/library/__init__.py");  // to look where it leads is an error
    fs::create_symlink("/dev/zero", sources() / "price/endless.js");
    ASSERT_EQ(::mkfifo((sources() / "price/pipe.js").c_str(), 0600), 0);  // nobody writes into it
    const auto made = packages({"front", "price"});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_THAT(deployment_of(*made), Not(HasSubstr("warning")));
}

TEST_F(FusePackages, WarnOfAnSdkThatIsPartOfABundle) {
    for (const std::string name : {"front", "price"}) put(name + "/function.yaml", "runtime: nodejs20.x\nhandler: app.handler\n");
    const auto told = [&](const std::string& code) {
        put("front/app.js", "exports.handler = async () => {};"), put("price/app.js", code);
        return deployment_of(packages({"front", "price"}).value());
    };
    const std::string use = "\nclient.send(new InvokeCommand({}));";
    for (const std::string load : {"const {InvokeCommand} = require(\"@aws-sdk/client-lambda\");", "import {InvokeCommand} from '@aws-sdk/client-lambda';",
                                   "import{InvokeCommand}from\"@aws-sdk/client-lambda\";", "const sdk = await import(`@aws-sdk/client-lambda`);"})
        EXPECT_THAT(told(load + use), Not(HasSubstr("warning"))) << load;
    EXPECT_THAT(told("// node_modules/@aws-sdk/client-lambda/dist-cjs/index.js\nvar package_default = {name: \"@aws-sdk/client-lambda\"};\n"
                     "class InvokeCommand {}" + use),
                HasSubstr("# warning: price seems to have the AWS SDK within its own file"));
}

TEST_F(FusePackages, ANameThatIsNoneIsNoPath) {
    put_function("front");
    put_function("shop/nested");
    for (const std::string name : {"../front", "shop/nested", "/etc", "", "..", "front\n", "a b", "front;true", "front:live"}) {
        const auto made = packages({"front", name});
        ASSERT_FALSE(made) << name;
        EXPECT_EQ(made.error().code, Errc::invalid_argument);
        EXPECT_THAT(made.error().message, HasSubstr("is no function name"));
        EXPECT_TRUE(!fs::exists(folder_ / "out") || fs::is_empty(folder_ / "out")) << name;
    }
}

}  // namespace
}  // namespace autotune::cli
