// Processes that run already.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include "agent/ptrace/ptrace_source.hpp"
#include "os/file.hpp"
#include "tests/agent/ptrace/kernel/told.hpp"

namespace autotune::test {
namespace {

using namespace std::chrono_literals;

// A Python program with pipes to talk to it: for each byte it gets it does `work`, then gives one.
class Worker {
public:
    explicit Worker(const std::string& work) {
        auto to = make_pipe();
        auto from = make_pipe();
        pid_ = fork();
        if (pid_ == 0) {
            dup2(to->read.get(), 0);
            dup2(from->write.get(), 1);
            const std::string program = "import os,sys,threading,time\nwhile os.read(0,1):\n " + work +
                                        "\n os.write(1,b'.')\n";
            execl("/usr/bin/python3", "python3", "-c", program.c_str(), nullptr);
            _exit(127);
        }
        to_ = std::move(to->write);
        from_ = std::move(from->read);
    }
    ~Worker() {
        if (pid_ > 0 && !has_ended_) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    bool work() {
        char byte = 0;
        return write(to_.get(), "x", 1) == 1 && read(from_.get(), &byte, 1) == 1;
    }
    // Its exit status once it has no more to do. It must not be traced any more.
    int end() {
        to_.close();
        int status = -1;
        waitpid(pid_, &status, 0);
        has_ended_ = true;
        return status;
    }

private:
    pid_t pid_ = 0;
    bool has_ended_ = false;
    Fd to_, from_;
};

TEST(PtraceAttach, TellsWhatIsDoneFromThenOnAndLetsGoUnharmed) {
    const SharedFolder folder;
    const std::string file = folder.path() + "/f";
    Worker worker("open('" + file + "','w').write('hello')");
    ASSERT_TRUE(worker.work());
    auto source = make_ptrace_source();
    ASSERT_TRUE((*source)->focus({.processes = {worker.pid()}}));
    ASSERT_TRUE((*source)->start());
    EventBatch batch;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(worker.work());
    ASSERT_TRUE((*source)->finish(batch));
    std::int64_t bytes = 0;
    int times = 0;
    for (const Event& event : batch.events) {
        const auto* io = std::get_if<IoDone>(&event.body);
        if (io && io->op == IoOp::write && batch.tables.strings[io->path] == file) bytes += io->result;
        times += std::holds_alternative<ThreadTimes>(event.body);
    }
    EXPECT_EQ(bytes, 15);
    EXPECT_EQ(times, 1) << "of its one thread, as the tracing ends";
    EXPECT_TRUE(worker.work());
    EXPECT_EQ(worker.end(), 0);
}

TEST(PtraceAttach, TakesAllThreadsAndAllThatAreBornMeanwhile) {
    const SharedFolder folder;
    Worker worker(
        "[t.start() for t in [threading.Thread(target=lambda: open('" + folder.path() + "/f','a').write('x')) "
        "for _ in range(20)]]; [t.join() for t in threading.enumerate() if t is not threading.current_thread()]");
    ASSERT_TRUE(worker.work());
    auto source = make_ptrace_source();
    ASSERT_TRUE((*source)->focus({.processes = {worker.pid()}}));
    ASSERT_TRUE((*source)->start());
    ASSERT_TRUE(worker.work());
    EventBatch batch;
    ASSERT_TRUE((*source)->finish(batch));
    int writes = 0;
    for (const Event& event : batch.events) {
        const auto* io = std::get_if<IoDone>(&event.body);
        writes += io && io->op == IoOp::write && batch.tables.strings[io->path] == folder.path() + "/f";
    }
    EXPECT_EQ(writes, 20);
    EXPECT_EQ(worker.end(), 0);
}

TEST(PtraceAttach, EndsWithTheProcess) {
    Worker worker("sys.exit(3)");
    const SharedFolder folder;
    auto source = make_ptrace_source();
    ASSERT_TRUE((*source)->focus({.processes = {worker.pid()}}));
    ASSERT_TRUE((*source)->start());
    EXPECT_FALSE(worker.work());
    EventBatch batch;
    for (PollState state = PollState::idle; state != PollState::ended;) state = (*source)->poll(1s, batch)->state;
    int code = -1;
    for (const Event& event : batch.events)
        if (const auto* exited = std::get_if<ProcessExited>(&event.body)) code = exited->exit_code;
    EXPECT_EQ(code, 3);
    worker.end();  // the source was told the status, as this same process traced it
}

TEST(PtraceAttach, AStoppedProcessStaysStopped) {
    Worker worker("pass");
    ASSERT_TRUE(worker.work());
    kill(worker.pid(), SIGSTOP);
    int status = 0;
    waitpid(worker.pid(), &status, WUNTRACED);
    {
        auto source = make_ptrace_source();
        ASSERT_TRUE((*source)->focus({.processes = {worker.pid()}}));
        ASSERT_TRUE((*source)->start());
    }
    // Let go, it runs for a moment, into its stop again.
    std::string stat;
    do stat = read_file("/proc/" + std::to_string(worker.pid()) + "/stat").value_or("");
    while (stat.find(") R ") != std::string::npos || stat.find(") t ") != std::string::npos);
    EXPECT_NE(stat.find(") T "), std::string::npos) << stat;
    kill(worker.pid(), SIGCONT);
    EXPECT_TRUE(worker.work());
    EXPECT_EQ(worker.end(), 0);
}

std::string refusal_of(pid_t pid) {
    auto source = make_ptrace_source();
    (void)(*source)->focus({.processes = {pid}});
    const Status started = (*source)->start();
    return started ? "" : started.error().message;
}

TEST(PtraceAttach, ToNobodyIsOneClearLine) {
    const pid_t gone = fork();
    if (gone == 0) _exit(0);
    waitpid(gone, nullptr, 0);
    EXPECT_EQ(refusal_of(gone), "there is no process " + std::to_string(gone));
    EXPECT_EQ(refusal_of(getpid()), "a process cannot trace itself");
    EXPECT_NE(refusal_of(2), "");
}

TEST(PtraceAttach, ToAnotherUsersProcessIsOneClearLine) {
    if (geteuid() != 0) GTEST_SKIP() << "optional: as root there is a second user to be";
    const SharedFolder folder;
    Worker worker("pass");
    ASSERT_TRUE(worker.work());
    EXPECT_EQ(run(folder, tell("-p " + std::to_string(worker.pid()))), 125);
    EXPECT_EQ(text_of(folder.path() + "/err"), "ptrace_tell: process " + std::to_string(worker.pid()) +
                                                    " cannot be traced: it belongs to user 0, this is user 65534; run "
                                                    "as root\n");
    EXPECT_TRUE(worker.work());
    EXPECT_EQ(worker.end(), 0);
}

TEST(PtraceAttach, TheTracersDeathDoesNotHarmTheProcess) {
    Worker worker("pass");
    ASSERT_TRUE(worker.work());
    auto told = make_pipe();
    const pid_t tracer = fork();
    if (tracer == 0) {
        dup2(told->write.get(), 3);
        execl(PTRACE_TELL, PTRACE_TELL, "-p", std::to_string(worker.pid()).c_str(), nullptr);
        _exit(127);
    }
    char byte = 0;
    ASSERT_EQ(read(told->read.get(), &byte, 1), 1);  // it is attached
    ASSERT_TRUE(worker.work());
    kill(tracer, SIGKILL);
    waitpid(tracer, nullptr, 0);
    EXPECT_TRUE(worker.work());
    EXPECT_EQ(worker.end(), 0);
}

}  // namespace
}  // namespace autotune::test
