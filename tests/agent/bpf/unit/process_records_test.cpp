#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/agent/bpf/unit/records.hpp"

namespace autotune::test {
namespace {

using namespace std::string_literals;

const std::string kExecutor =
    "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001\0AWS_LAMBDA_FUNCTION_NAME=orders\0AWS_LAMBDA_FUNCTION_VERSION=7\0"s;
constexpr std::string_view kNext = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n";

class ProcessRecords : public Decoding {};

TEST_F(ProcessRecords, BecomeStartsAndEnds) {
    at_fork_record fork{};
    fork.header = header_of(AT_FORK, sizeof fork, {}, 500);
    fork.parent = 99;
    set_text(fork.comm, "0123456789abcdef");  // no room for the NUL
    feed(fork);
    feed(exec_record({}, ""));
    feed(exit_record({}, 7 << 8));
    const auto started = of<ProcessStarted>();
    ASSERT_EQ(started.size(), 2u);
    EXPECT_EQ(started[0].parent_pid, 99);
    EXPECT_EQ(text(started[0].command), "0123456789abcdef");
    EXPECT_EQ(text(started[1].executable), "/usr/bin/python3");
    ASSERT_EQ(of<ProcessExited>().size(), 1u);
    EXPECT_EQ(of<ProcessExited>()[0].exit_code, 7);
    const Event& e = batch.events[0];
    EXPECT_EQ(e.at, from_ns(500));
    EXPECT_EQ(e.process, (ProcessId{100, 5000}));
    EXPECT_EQ(e.cgroup, CgroupId(42));
    EXPECT_EQ(e.by, Backend::bpf);
}

TEST_F(ProcessRecords, TellAnEndOnceWhenTwoThreadsLeaveTogether) {
    feed(exec_record({}, ""));
    feed(exit_record({}, SIGKILL));
    feed(exit_record({}, SIGKILL));
    ASSERT_EQ(of<ProcessExited>().size(), 1u);
    EXPECT_EQ(of<ProcessExited>()[0].signal, SIGKILL);
    feed(exit_record({.start_ns = 6000}, 0));  // the pid's next owner
    EXPECT_EQ(of<ProcessExited>().size(), 2u);
}

TEST_F(ProcessRecords, AnExitIsPrecededByWhatTheCgroupHadUsed) {
    feed(exec_record({}, ""));
    at_exit_record died = exit_record({}, SIGKILL);
    died.usage.cpu_ns = 70'000'000;
    died.usage.runnable_ns = 900'000'000;
    feed(died);
    ASSERT_EQ(of<MemoryMark>().size(), 1u);
    EXPECT_EQ(of<MemoryMark>()[0].usage.cpu_ns, 70'000'000u);
    EXPECT_EQ(of<MemoryMark>()[0].usage.runnable_ns, 900'000'000u);
    ASSERT_GE(batch.events.size(), 2u);
    EXPECT_TRUE(std::holds_alternative<MemoryMark>(batch.events[batch.events.size() - 2].body));
    EXPECT_TRUE(std::holds_alternative<ProcessExited>(batch.events.back().body));
}

TEST_F(ProcessRecords, AnExecutorIsSeenAtItsExec) {
    feed(exec_record({}, kExecutor));
    ASSERT_EQ(of<ExecutorSeen>().size(), 1u);
    EXPECT_EQ(text(of<ExecutorSeen>()[0].function), "orders");
    EXPECT_EQ(text(of<ExecutorSeen>()[0].version), "7");
    feed(exec_record({}, kExecutor));  // a bootstrap script becomes the runtime
    EXPECT_EQ(of<ExecutorSeen>().size(), 1u);
}

TEST_F(ProcessRecords, ChildrenOfAnExecutorAreNotExecutors) {
    feed(exec_record({}, kExecutor));
    feed(exec_record({.tgid = 101}, kExecutor));
    EXPECT_EQ(of<ExecutorSeen>().size(), 1u);
    feed(exec_record({.tgid = 102, .cgroup = 43}, kExecutor));  // another sandbox
    EXPECT_EQ(of<ExecutorSeen>().size(), 2u);
    feed(request_record({.tgid = 101}, kNext));  // unless they ask for work
    EXPECT_EQ(of<ExecutorSeen>().size(), 3u);
}

TEST_F(ProcessRecords, AnExecutorThatEndsBeforeItWasReadyFailedItsInit) {
    feed(exec_record({}, kExecutor));
    feed(exit_record({}, 1 << 8));
    ASSERT_EQ(of<InitFailed>().size(), 1u);
    EXPECT_EQ(text(of<InitFailed>()[0].error_type), "Runtime.ExitError");
    feed(exec_record({.tgid = 200}, kExecutor));  // the sandbox is free again
    EXPECT_EQ(of<ExecutorSeen>().size(), 2u);
}

TEST_F(ProcessRecords, AnExecutorThatWasReadyDidNotFail) {
    feed(exec_record({}, kExecutor));
    feed(request_record({}, kNext));
    feed(exit_record({}, SIGKILL));
    EXPECT_TRUE(of<InitFailed>().empty());
}

TEST_F(ProcessRecords, AScriptWhoseChildIsTheExecutorDidNotFail) {
    feed(exec_record({}, kExecutor));
    feed(request_record({.tgid = 101}, kNext));
    feed(exit_record({.tgid = 101}, 0));
    feed(exit_record({}, 0));
    EXPECT_TRUE(of<InitFailed>().empty());
}

TEST_F(ProcessRecords, AFailedInitIsToldOnce) {
    feed(exec_record({}, kExecutor));
    feed(request_record({},
                        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"
                        "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n\r\n"));
    feed(exit_record({}, 1 << 8));
    ASSERT_EQ(of<InitFailed>().size(), 1u);
    EXPECT_EQ(text(of<InitFailed>()[0].error_type), "Runtime.ImportModuleError");
}

TEST_F(ProcessRecords, AnOomKillNamesTheVictimAlsoWhenTheKernelTellsOnlyItsPid) {
    feed(exec_record({}, ""));
    at_oom_record r{};
    r.header = header_of(AT_OOM, sizeof r, {.start_ns = 0, .cgroup = 1}, 8000);
    r.usage.memory_peak = 64;
    r.usage.memory_limit = 65;
    feed(r);
    const Event& e = batch.events.back();
    EXPECT_EQ(e.process, (ProcessId{100, 5000}));
    EXPECT_EQ(e.cgroup, CgroupId(42));
    const auto& killed = std::get<Killed>(e.body);
    EXPECT_EQ(killed.victim_pid, 100);
    EXPECT_EQ(killed.memory_peak, 64u);
    EXPECT_EQ(killed.memory_limit, 65u);
    EXPECT_TRUE(is_urgent(e));
}

TEST_F(ProcessRecords, AnOomKillIsPrecededByWhatTheCgroupHadUsed) {
    feed(exec_record({}, ""));
    at_oom_record r{};
    r.header = header_of(AT_OOM, sizeof r, {}, 8000);
    r.usage.cpu_ns = 5'000'000;
    feed(r);
    ASSERT_EQ(of<MemoryMark>().size(), 1u);
    EXPECT_EQ(of<MemoryMark>()[0].usage.cpu_ns, 5'000'000u);
    EXPECT_TRUE(std::holds_alternative<Killed>(batch.events.back().body));
}

TEST_F(ProcessRecords, OfTheTimeBeforeUsFindExecutorsByTheirEnvironment) {
    const std::filesystem::path proc =
        std::filesystem::temp_directory_path() / ("proc-" + std::to_string(getpid()));
    std::filesystem::create_directories(proc / "100");
    std::ofstream(proc / "100" / "environ") << kExecutor;
    decoder = RecordDecoder(Procfs(proc));
    at_existing_record r{};
    r.header = header_of(AT_EXISTING, sizeof r, {}, 500);
    feed(r);
    r.header = header_of(AT_EXISTING, sizeof r, {.tgid = 101}, 500);  // no executor, not watched
    feed(r);
    EXPECT_EQ(of<ProcessStarted>().size(), 1u);
    ASSERT_EQ(of<ExecutorSeen>().size(), 1u);
    EXPECT_EQ(decoder.take_discovered(), std::vector{CgroupId(42)});
    EXPECT_TRUE(decoder.take_discovered().empty());
    feed(exit_record({}, 1 << 8));  // it may well have been ready
    EXPECT_TRUE(of<InitFailed>().empty());
    std::filesystem::remove_all(proc);
}

TEST_F(ProcessRecords, ALongEnvironmentIsCompletedFromProc) {
    const std::filesystem::path proc =
        std::filesystem::temp_directory_path() / ("proc2-" + std::to_string(getpid()));
    std::filesystem::create_directories(proc / "100");
    const std::string environment = "FILLER=" + std::string(5000, 'x') + "\0"s + kExecutor;
    std::ofstream(proc / "100" / "environ") << environment;
    decoder = RecordDecoder(Procfs(proc));
    feed(exec_record({}, environment));
    EXPECT_EQ(of<ExecutorSeen>().size(), 1u);
    std::filesystem::remove_all(proc);
}

TEST_F(ProcessRecords, ThatMakeNoSenseAreRefused) {
    const auto refuses = [&](std::span<const std::byte> bytes) { return !decoder.decode(bytes, batch); };
    EXPECT_TRUE(refuses({}));
    at_exit_record r = exit_record({}, 0);
    const auto bytes = std::as_bytes(std::span(&r, 1));
    EXPECT_TRUE(refuses(bytes.first(sizeof(at_header))));
    r.header.kind = AT_OOM;  // of another size
    EXPECT_TRUE(refuses(bytes));
    r.header.kind = 4711;
    EXPECT_TRUE(refuses(bytes));
    r.header.kind = AT_EXIT;
    r.header.at_ns = UINT64_MAX;
    EXPECT_TRUE(refuses(bytes));
    EXPECT_TRUE(batch.events.empty());
}

}  // namespace
}  // namespace autotune::test
