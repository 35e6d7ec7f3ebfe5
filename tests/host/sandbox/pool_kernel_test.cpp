// Functions in real processes and cgroups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "os/cgroup_layout.hpp"
#include "os/file.hpp"
#include "tests/host/sandbox/sandbox_world.hpp"

namespace autotune::host {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using Kind = InvokeResult::Kind;
using nlohmann::json;

class SandboxPoolKernel : public SandboxWorld {};

constexpr auto kHello = "def handler(event, context):\n    return {'hello': event.get('name')}\n";

// Starts a child that would outlive its parent, and tells its pid.
constexpr auto kFork = R"(
import subprocess, time
def handler(event, context):
    child = subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)
    open(event['file'], 'w').write(str(child.pid))
    if event.get('wait'): time.sleep(1000)
    return child.pid
)";

// Takes `mb` of memory in one call: where a page fault is dear and the share of a core small, touching one page
// after the other lasts longer than the time limit.
constexpr auto kFill = R"(
import mmap
def fill(mb):
    mmap.mmap(-1, mb << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()
)";

// A zombie is dead: whoever inherited it has not looked yet.
bool alive(const std::string& pid) {
    const std::string stat = read_file("/proc/" + pid + "/stat").value_or("");
    return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

// Of the REPORT line; 0: there is none.
double duration_ms(const std::string& log) {
    const auto report = log.find("REPORT RequestId: ");
    const auto at = report == std::string::npos ? report : log.find("\tDuration: ", report);
    return at == std::string::npos ? 0 : std::stod(log.substr(at + 11));
}

TEST_F(SandboxPoolKernel, RunsAPythonFunction) {
    const InvokeResult result = invoke(python("hello", kHello), R"({"name":"World"})");
    EXPECT_EQ(result.kind, Kind::ok) << result.payload;
    EXPECT_EQ(json::parse(result.payload)["hello"], "World");
    EXPECT_THAT(result.log_tail,
                HasSubstr("START RequestId: 00000000-0000-0000-0000-100000000001 Version: $LATEST\n"));
    EXPECT_THAT(result.log_tail, HasSubstr("\tMemory Size: 512 MB\tMax Memory Used: "));
    EXPECT_THAT(result.log_tail, HasSubstr("\tInit Duration: "));
}

constexpr auto kLayered = "import os, words\ndef handler(e, c):\n    return [words.__file__, os.listdir('/opt')]\n";

TEST_F(SandboxPoolKernel, LayersAreAtOpt) {
    const auto function = python("layered", kLayered);
    function->layers = scratch.path() / "layers";
    write_text(function->layers / "python/words.py", "");
    EXPECT_EQ(invoke(function).payload, R"(["/opt/python/words.py", ["python"]])");
}

TEST_F(SandboxPoolKernel, WhatLiesBelowOptIsNotHiddenByLayers) {
    std::filesystem::create_directories("/opt");
    const Scratch below("/opt");
    const auto function = python("layered", kLayered);
    function->code = below.path() / "code";
    write_text(function->code / "app.py", kLayered);
    function->layers = below.path() / "layers";
    write_text(function->layers / "python/words.py", "");
    const InvokeResult result = invoke(function);
    ASSERT_EQ(result.kind, Kind::ok) << result.payload;
    EXPECT_THAT(result.payload, HasSubstr((function->layers / "python/words.py").string()));
    EXPECT_THAT(result.payload, HasSubstr(below.path().filename().string()));
}

TEST_F(SandboxPoolKernel, ATimeoutKillsGrandchildrenToo) {
    const auto function = python("slow", kFork);
    function->timeout = std::chrono::seconds(2);
    const auto pid_file = scratch.path() / "pid";
    const InvokeResult result = invoke(function, json{{"file", pid_file}, {"wait", true}}.dump());
    EXPECT_EQ(result.kind, Kind::function_error);
    EXPECT_THAT(
        result.payload,
        MatchesRegex(R"(\{"errorMessage":"20[0-9T:.-]+Z 0000.*001 Task timed out after 2\.00 seconds"\})"));
    EXPECT_THAT(result.log_tail, HasSubstr("\tStatus: timeout\n"));
    EXPECT_TRUE(all_gone());
    const std::string pid = read_file(pid_file).value();
    EXPECT_TRUE(eventually([&] { return !alive(pid); }));
}

TEST_F(SandboxPoolKernel, RunningOutOfMemoryIsToldAsLambdaTellsIt) {
    const auto function = python("hog", std::string(kFill) + "def handler(e, c): return fill(400)\n");
    function->memory_mb = 128;
    const InvokeResult result = invoke(function);
    EXPECT_EQ(result.kind, Kind::function_error);
    const json payload = json::parse(result.payload);
    EXPECT_EQ(payload["errorType"], "Runtime.ExitError");
    EXPECT_EQ(
        payload["errorMessage"],
        "RequestId: 00000000-0000-0000-0000-100000000001 Error: Runtime exited with error: signal: killed");
    EXPECT_THAT(result.log_tail, HasSubstr("\tMemory Size: 128 MB\tMax Memory Used: 128 MB"));
    EXPECT_THAT(result.log_tail, HasSubstr("\tStatus: error\tError Type: Runtime.OutOfMemory\n"));
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxPoolKernel, AGrandchildsOutOfMemoryFailsTheInvocationAlthoughTheParentLives) {
    const auto function = python("nursery", R"(
import subprocess
def handler(event, context):
    return subprocess.run(['/usr/bin/python3', '-c', 'from app import fill; fill(400)']).returncode
)" + std::string(kFill));
    function->memory_mb = 128;
    const InvokeResult result = invoke(function);
    EXPECT_EQ(result.kind, Kind::function_error) << result.payload;
    EXPECT_THAT(result.log_tail, HasSubstr("Error Type: Runtime.OutOfMemory"));
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxPoolKernel, TheWatermarkIsOfThisInvocationOnly) {
    const auto function = python("memory", std::string(kFill) + "def handler(e, c): return fill(e['mb'])\n");
    const auto used = [](const InvokeResult& result) {
        const auto at = result.log_tail.find("Max Memory Used: ") + 17;
        return std::stoi(result.log_tail.substr(at));
    };
    const int large = used(invoke(function, R"({"mb":200})"));
    const int small = used(invoke(function, R"({"mb":1})"));
    EXPECT_GE(large, 200);
    EXPECT_LT(small, 100);
}

TEST_F(SandboxPoolKernel, AnExceptionIsAnErrorOfTheFunctionAndTheSandboxStays) {
    const auto function = python("raises", "def handler(e, c):\n    raise ValueError('no ' + e['what'])\n");
    const InvokeResult result = invoke(function, R"({"what":"way"})");
    EXPECT_EQ(result.kind, Kind::function_error);
    const json payload = json::parse(result.payload);
    EXPECT_EQ(payload["errorType"], "ValueError");
    EXPECT_EQ(payload["errorMessage"], "no way");
    EXPECT_EQ(payload["stackTrace"].size(), 1U);
    EXPECT_THAT(result.log_tail,
                HasSubstr("[ERROR] ValueError: no way\nTraceback (most recent call last):\n"));
    EXPECT_EQ(sandboxes(), 1U);
}

TEST_F(SandboxPoolKernel, ExitingInTheHandlerIsACrash) {
    const InvokeResult result = invoke(python("exits", "import sys\ndef handler(e, c): sys.exit(3)\n"));
    const json payload = json::parse(result.payload);
    EXPECT_EQ(payload["errorType"], "Runtime.ExitError");
    EXPECT_THAT(payload["errorMessage"].get<std::string>(),
                HasSubstr("Runtime exited with error: exit status 3"));
    EXPECT_THAT(result.log_tail, HasSubstr("\tStatus: error\tError Type: Runtime.ExitError\n"));
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxPoolKernel, AMissingModuleIsToldToTheCallerAfterASecondTry) {
    const InvokeResult result = invoke(python("imports", "import nowhere\n"));
    EXPECT_EQ(result.kind, Kind::function_error);
    const json payload = json::parse(result.payload);
    EXPECT_EQ(payload["errorType"], "Runtime.ImportModuleError");
    EXPECT_EQ(payload["errorMessage"], "Unable to import module 'app': No module named 'nowhere'");
    EXPECT_THAT(result.log_tail,
                HasSubstr("Phase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError\n"));
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxPoolKernel, AHandlerThatDoesNotExistIsNamed) {
    const auto function = python("nohandler", kHello);
    function->handler = "app.missing";
    EXPECT_EQ(json::parse(invoke(function).payload)["errorType"], "Runtime.HandlerNotFound");
    function->handler = "nodot";
    EXPECT_EQ(json::parse(invoke(function).payload)["errorType"], "Runtime.MalformedHandlerName");
    write_text(function->code / "broken.py", "def handler(:\n");
    function->handler = "broken.handler";
    EXPECT_EQ(json::parse(invoke(function).payload)["errorType"], "Runtime.UserCodeSyntaxError");
}

TEST_F(SandboxPoolKernel, AnInitThatCrashesIsACrash) {
    const InvokeResult result = invoke(python("initcrash", "import os\nos._exit(9)\n"));
    EXPECT_EQ(json::parse(result.payload)["errorType"], "Runtime.ExitError");
    EXPECT_THAT(result.payload, HasSubstr("exit status 9"));
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxPoolKernel, AnInitThatIsTooLongGoesOnOnTheInvocationsClock) {
    limits.init_timeout = std::chrono::milliseconds(300);
    const auto function = python("longinit", "import time\ntime.sleep(1)\n" + std::string(kHello));
    const Timestamp before = clock.now();
    const InvokeResult result = invoke(function, R"({"name":"late"})");
    const double took = to_ms(clock.now() - before);
    EXPECT_EQ(result.kind, Kind::ok) << result.payload;
    EXPECT_GE(duration_ms(result.log_tail), 1000) << result.log_tail;
    EXPECT_LE(duration_ms(result.log_tail), took + 0.01) << "it is rounded";
    const auto hurried = std::make_shared<FunctionVersion>(*function);
    hurried->revision_id = "r2";
    hurried->timeout = std::chrono::milliseconds(500);
    EXPECT_THAT(invoke(hurried).payload, HasSubstr("Task timed out after 0.50 seconds"));
}

TEST_F(SandboxPoolKernel, ABootstrapThatCannotBeExecutedIsAnInvalidEntrypoint) {
    const auto function = provided("plain", "#!/bin/sh\n");
    const auto bootstrap = function->code / "bootstrap";
    std::filesystem::permissions(bootstrap, std::filesystem::perms(0644));
    EXPECT_THAT(invoke(function).payload, HasSubstr("permission denied"));
    std::filesystem::permissions(bootstrap, std::filesystem::perms(0755));
    write_text(bootstrap,
               "\x7f"
               "ELF is what this is not");
    const InvokeResult garbage = invoke(function);
    EXPECT_THAT(garbage.payload, HasSubstr("Exec format error"));
    EXPECT_EQ(json::parse(garbage.payload)["errorType"], "Runtime.InvalidEntrypoint");
    std::filesystem::remove(bootstrap);
    EXPECT_THAT(invoke(function).payload, HasSubstr("Couldn't find valid bootstrap"));
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxPoolKernel, AProvidedBootstrapServesInvocations) {
    const auto function = provided("script", R"(#!/usr/bin/python3
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse(); body = answer.read()
    request = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", "/2018-06-01/runtime/invocation/%s/response" % request, body[::-1])
    assert api.getresponse().read() == b'{"status":"OK"}'
)");
    EXPECT_EQ(invoke(function, "abc").payload, "cba");
    EXPECT_EQ(invoke(function, "xyz").payload, "zyx");
}

TEST_F(SandboxPoolKernel, HugeOutputIsKeptWholeInTheFileAndTheTailIsItsEnd) {
    const auto function = python("chatty", R"(
def handler(event, context):
    for n in range(200000): print('line %06d' % n)
)");
    function->memory_mb = 1769;
    const InvokeResult result = invoke(function);
    EXPECT_EQ(result.payload, "null");
    EXPECT_EQ(result.log_tail.size(), 4096U);
    EXPECT_THAT(result.log_tail, HasSubstr("line 199999\nEND RequestId"));
    std::size_t lines = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(scratch.path() / "state/logs/chatty")) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) lines += line.find(" line ") != std::string::npos;
    }
    EXPECT_EQ(lines, 200000U);
}

TEST_F(SandboxPoolKernel, AnAnswerOverSixMegabytesIsRefusedAndTheSandboxGoesOn) {
    const auto function = python("large", "def handler(e, c): return 'x' * e['n']\n");
    const InvokeResult large = invoke(function, R"({"n":7000000})");
    EXPECT_EQ(json::parse(large.payload)["errorType"], "Function.ResponseSizeTooLarge");
    EXPECT_EQ(invoke(function, R"({"n":3})").payload, "\"xxx\"");
    EXPECT_EQ(invoke(function, R"({"n":6000000})").payload.size(), 6000002U);
}

TEST_F(SandboxPoolKernel, TheFunctionSeesItsContextAndEnvironment) {
    const auto function = python("context", R"(
import os
def handler(event, context):
    return [context.function_name, context.memory_limit_in_mb, context.invoked_function_arn,
            0 < context.get_remaining_time_in_millis() <= 10000, os.environ['MINE'], os.environ['_HANDLER'],
            os.environ['AWS_ENDPOINT_URL_LAMBDA'], os.getcwd() == os.environ['LAMBDA_TASK_ROOT'],
            sorted(os.listdir('/proc/self/fd'))[:3]]
)");
    function->environment = {{"MINE", "yes"}, {"_HANDLER", "no"}};
    EXPECT_EQ(
        json::parse(invoke(function).payload),
        json::parse(R"(["context","512","arn:aws:lambda:us-east-1:000000000000:function:context",true,"yes",
                              "app.handler","http://127.0.0.1:9",true,["0","1","2"]])"));
}

TEST_F(SandboxPoolKernel, CpuComesInProportionToMemory) {
    const auto function = python("spins", R"(
import time
def handler(event, context):
    wall, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - wall < 1: pass
    return (time.process_time() - cpu) / (time.monotonic() - wall)
)");
    function->memory_mb = 442;  // a quarter of a processor
    double most = 0;
    for (int i = 0; i < 5 && most <= 0.10; ++i) {  // others may want the machine too
        const double share = json::parse(invoke(function).payload).get<double>();
        EXPECT_LT(share, 0.30);
        most = std::max(most, share);
    }
    EXPECT_GT(most, 0.10);
}

// Answers come through promises, which throw when they are set twice.

}  // namespace
}  // namespace autotune::host
