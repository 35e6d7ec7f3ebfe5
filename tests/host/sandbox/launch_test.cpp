#include "host/sandbox/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/sandbox/scratch.hpp"

namespace autotune::host {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class Launch : public ::testing::Test {
protected:
    FunctionVersion function(const std::string& runtime) {
        return {.name = "f",
                .version = "7",
                .runtime = runtime,
                .handler = "app.go",
                .memory_mb = 256,
                .code = scratch_.path() / "code"};
    }
    fs::path program(const fs::path& path) {
        write_text(scratch_.path() / path, "#!/bin/sh\n");
        fs::permissions(scratch_.path() / path, fs::perms(0755));
        return scratch_.path() / path;
    }
    Result<LaunchCommand> command(const FunctionVersion& f) {
        return launch_command(f, context_, {scratch_.path() / "usr", scratch_.path() / "local"});
    }

    Scratch scratch_;
    LaunchContext context_{.runtime_api = "127.0.0.1:1",
                           .log_stream = "s",
                           .region = "eu-north-1",
                           .endpoint_url = "http://h",
                           .runtimes = "/state/runtimes",
                           .probes = {}};
};

TEST_F(Launch, PythonIsTheInterpreterThatWasAskedFor) {
    program("usr/python3");
    const fs::path wanted = program("local/python3.12");
    EXPECT_THAT(command(function("python3.12"))->argv,
                ElementsAre(wanted, "/state/runtimes/python/bootstrap.py"));
    EXPECT_EQ(command(function("python3.12"))->note, "");
}

TEST_F(Launch, AnotherPythonRunsItWithANote) {
    const fs::path any = program("usr/python3");
    const auto found = command(function("python3.9")).value();
    EXPECT_EQ(found.argv[0], any);
    EXPECT_THAT(found.note, HasSubstr("python3.9 is not installed"));
}

TEST_F(Launch, WithoutAnInterpreterThereIsNothingToExecute) {
    EXPECT_EQ(command(function("python3.9")).error().code, Errc::invalid_argument);
}

TEST_F(Launch, NodeIsTheMachinesOne) {
    EXPECT_THAT(command(function("nodejs20.x")).error().message, HasSubstr("no node on this machine for nodejs20.x"));
    const fs::path node = program("local/node");
    EXPECT_THAT(command(function("nodejs20.x"))->argv,
                ElementsAre(node, "--max-old-space-size=230", "/state/runtimes/node/bootstrap.mjs"));
    EXPECT_THAT(launch_environment(function("nodejs20.x"), context_), Not(Contains(HasSubstr("NODE_PATH="))));
    context_.opt = "/opt";
    EXPECT_EQ(command(function("nodejs20.x"))->argv.back(), "/opt");
    EXPECT_THAT(launch_environment(function("nodejs20.x"), context_),
                Contains("NODE_PATH=/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules"));
    EXPECT_THAT(launch_environment(function("python3.11"), context_), Not(Contains(HasSubstr("NODE_PATH="))));
}

TEST_F(Launch, ProvidedIsThePackagesBootstrap) {
    EXPECT_THAT(command(function("provided.al2023")).error().message,
                HasSubstr("Couldn't find valid bootstrap(s)"));
    write_text(scratch_.path() / "code/bootstrap", "");
    EXPECT_THAT(command(function("provided")).error().message, HasSubstr("permission denied"));
    const fs::path bootstrap = program("code/bootstrap");
    EXPECT_THAT(command(function("provided"))->argv, ElementsAre(bootstrap));
}

TEST_F(Launch, LayersHideNothingThatIsNeeded) {
    FunctionVersion f = function("python3.11");
    f.layers = scratch_.path() / "state/layers";
    context_.opt = scratch_.path() / "opt";
    const auto hidden = [&] {
        return hidden_by_layers(f, context_, {scratch_.path() / "usr", scratch_.path() / "local"});
    };
    fs::create_directories(scratch_.path() / "usr");
    const fs::path interpreter = program("opt/python/bin/python3.11");
    EXPECT_EQ(hidden(), "") << "there is no such interpreter, which is told later";
    fs::create_symlink(interpreter, scratch_.path() / "usr/python3.11");
    EXPECT_EQ(hidden(), scratch_.path() / "usr/python3.11");
    fs::remove(scratch_.path() / "usr/python3.11");
    program("usr/python3.11");
    EXPECT_EQ(hidden(), "");
    context_.runtimes = scratch_.path() / "optional/runtimes";
    EXPECT_EQ(hidden(), "") << "that is another folder";
    context_.probes = {{"LD_PRELOAD", "/usr/lib/other.so:" + (scratch_.path() / "opt/probe.so").string()}};
    EXPECT_EQ(hidden(), scratch_.path() / "opt/probe.so");
    context_.probes.clear();
    context_.runtimes = scratch_.path() / "opt/state/runtimes";
    EXPECT_EQ(hidden(), context_.runtimes);
    context_.runtimes = "/state/runtimes";
    fs::create_directory_symlink("opt", scratch_.path() / "elsewhere");
    f.code = scratch_.path() / "elsewhere/state/code";
    EXPECT_EQ(hidden(), f.code);
}

TEST_F(Launch, ABootstrapOfTheLayersIsNotHiddenByThem) {
    FunctionVersion f = function("provided");
    f.layers = scratch_.path() / "layers";
    program("layers/bootstrap");
    context_.opt = scratch_.path() / "opt";
    EXPECT_EQ(command(f)->argv.front(), context_.opt / "bootstrap");
    EXPECT_EQ(hidden_by_layers(f, context_), "");
}

TEST_F(Launch, OtherRuntimesAreRefusedByName) {
    EXPECT_THAT(command(function("java21")).error().message, HasSubstr("java21"));
}

TEST_F(Launch, ATracersProbesComeBeforeTheFunctionsOwnLibraries) {
    context_.probes = {{"AUTOTUNE_RING", "/dev/shm/r"}, {"LD_PRELOAD", "/tmp/probe.so"}};
    FunctionVersion f = function("provided");
    EXPECT_THAT(launch_environment(f, context_), ::testing::Contains("LD_PRELOAD=/tmp/probe.so"));
    f.environment = {{"LD_PRELOAD", "/own.so"}, {"AUTOTUNE_RING", "/elsewhere"}};
    const auto all = launch_environment(f, context_);
    EXPECT_THAT(all, ::testing::Contains("LD_PRELOAD=/tmp/probe.so:/own.so"));
    EXPECT_THAT(all, ::testing::Contains("AUTOTUNE_RING=/dev/shm/r"));
}

TEST_F(Launch, TheEnvironmentIsLambdas) {
    const auto all = launch_environment(function("provided"), context_);
    for (const auto* line :
         {"AWS_LAMBDA_RUNTIME_API=127.0.0.1:1", "_HANDLER=app.go", "AWS_LAMBDA_FUNCTION_NAME=f",
          "AWS_LAMBDA_FUNCTION_VERSION=7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_REGION=eu-north-1",
          "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/f", "AWS_LAMBDA_LOG_STREAM_NAME=s", "TZ=:UTC",
          "AWS_ENDPOINT_URL_LAMBDA=http://h"}) {
        EXPECT_THAT(all, Contains(line));
    }
}

TEST_F(Launch, AFunctionMayChangeItsPathButNotWhatIsReserved) {
    FunctionVersion f = function("provided");
    f.environment = {{"PATH", "/mine"}, {"AWS_REGION", "mars"}, {"MINE", "1"}};
    const auto all = launch_environment(f, context_);
    EXPECT_THAT(all, Contains("PATH=/mine"));
    EXPECT_THAT(all, Contains("MINE=1"));
    EXPECT_THAT(all, Contains("AWS_REGION=eu-north-1"));
    EXPECT_THAT(all, Not(Contains("AWS_REGION=mars")));
}

}  // namespace
}  // namespace autotune::host
