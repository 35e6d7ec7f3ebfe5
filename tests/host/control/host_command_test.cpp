// `autotune host`: what it refuses before it starts anything. A host that runs is an end-to-end test.
#include "cli/host_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/host/control/support.hpp"

namespace autotune {
namespace {

using testing::HasSubstr;

class HostCommand : public testing::Test {
protected:
    int run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "autotune host");
        std::vector<char*> argv;
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        testing::internal::CaptureStderr();
        testing::internal::CaptureStdout();
        const int status = host_command(static_cast<int>(argv.size()) - 1, argv.data());
        out_ = testing::internal::GetCapturedStdout();
        said_ = testing::internal::GetCapturedStderr();
        return status;
    }
    std::string functions() const { return folder_.path().string(); }

    host::TemporaryFolder folder_;
    std::string out_, said_;
};

TEST_F(HostCommand, HelpsOnStdout) {
    EXPECT_EQ(run({"--help"}), 0);
    EXPECT_THAT(out_, HasSubstr("--functions"));
}

TEST_F(HostCommand, RefusesBadUsage) {
    EXPECT_EQ(run({}), 2);
    EXPECT_THAT(said_, HasSubstr("--functions"));
    EXPECT_EQ(run({"--functions", functions() + "/absent"}), 2);
    EXPECT_EQ(run({"--functions", functions(), "--no-such-flag"}), 2);
    EXPECT_EQ(run({"--functions", functions(), "--max-concurrency", "0"}), 2);
}

TEST_F(HostCommand, RefusesAddressesThatOthersCanReach) {
    EXPECT_EQ(run({"--functions", functions(), "--state", functions() + "/s", "--listen", "0.0.0.0:9000"}),
              2);
    EXPECT_THAT(said_, HasSubstr("refusing to listen on 0.0.0.0: signatures are not checked"));
    for (const auto* listen : {"127.0.0.1:port", "127.0.0.1:99999", "127.0.0.1:", "x"}) {
        EXPECT_EQ(run({"--functions", functions(), "--listen", listen}), 2) << listen;
        EXPECT_THAT(said_, HasSubstr("--listen wants ADDRESS:PORT")) << listen;
    }
}

TEST_F(HostCommand, PointsAtWhatIsWrongInAFunctionFile) {
    host::put_file(folder_.path() / "shop/function.yaml", "runtime: python3.11\nhandlr: x\n");
    EXPECT_EQ(run({"--functions", functions(), "--state", functions() + "/s", "--listen", "127.0.0.1:0"}), 2);
    EXPECT_THAT(said_, HasSubstr("shop/function.yaml:2:1: unknown key 'handlr'; did you mean 'handler'?"));
}

}  // namespace
}  // namespace autotune
