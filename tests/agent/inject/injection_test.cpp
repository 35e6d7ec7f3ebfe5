#include "agent/inject/injection.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "agent/runtime/runtime_source.hpp"
#include "os/file.hpp"

namespace autotune {
namespace {

using ::testing::HasSubstr;

// Two threads that compute, one that sleeps, one that waits for a lock; each answer is checked. A line on stdin
// lets `marked` be called as often as it says, then the main thread answers. The end of stdin ends it.
constexpr const char* kProgram = R"(
import sys, threading, time
end = threading.Event()
wrong = []
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def compute():
    while not end.is_set():
        if fib(10) != 55 or sum(x * x for x in range(50)) != 40425: wrong.append(1)
        try: {}[1]
        except KeyError: pass
def sleep():
    while not end.is_set(): time.sleep(0.001)
def wait(): end.wait()
def marked(n): return n
threads = [threading.Thread(target=t) for t in [compute] * 2 + [sleep, wait]]
for t in threads: t.start()
print('ready', flush=True)
for line in sys.stdin:
    for i in range(int(line)): marked(i)
    print('done', flush=True)
end.set()
for t in threads: t.join()
sys.exit(7 if not wrong else 1)
)";

class Program {  // with pipes to and from it
public:
    explicit Program(const std::vector<std::string>& argv) {
        Pipe in = *make_pipe(), out = *make_pipe();
        pid_ = fork();
        if (pid_ == 0) {
            dup2(in.read.get(), 0);
            dup2(out.write.get(), 1);
            std::vector<char*> arguments;
            for (const std::string& text : argv) arguments.push_back(const_cast<char*>(text.c_str()));
            arguments.push_back(nullptr);
            execvp(arguments[0], arguments.data());
            _exit(127);
        }
        to_ = std::move(in.write);
        from_ = std::move(out.read);
    }
    ~Program() {
        if (pid_ > 0) kill(pid_, SIGKILL), end();
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string line() const {
        std::string text;
        char c = 0;
        while (read(from_.get(), &c, 1) == 1 && c != '\n') text += c;
        return text;
    }
    void say(const std::string& text) const {
        EXPECT_EQ(write(to_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    int end() {
        to_.close();
        int status = 0;
        waitpid(std::exchange(pid_, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    pid_t pid_ = 0;
    Fd to_, from_;
};

std::vector<std::string> pythons() {
    std::vector<std::string> all = {"/usr/bin/python3"};
    const char* others = std::getenv("AUTOTUNE_PYTHONS");
    std::istringstream list(others != nullptr ? others : "");
    for (std::string path; std::getline(list, path, ':');)
        if (!path.empty()) all.push_back(path);
    return all;
}

class InjectionTest : public ::testing::Test {
protected:
    void SetUp() override {
        owned_ = *runtime::make_ring_folder(geteuid());
        folder_ = owned_.path();
    }

    std::uint64_t calls(const std::string& name) const {
        std::uint64_t count = 0;
        for (const Event& event : batch_.events)
            if (const auto* totals = std::get_if<CallTotals>(&event.body))
                if (batch_.tables.strings[batch_.tables.frames[totals->function].name] == name) count += totals->calls;
        return count;
    }
    void read_all(runtime::RuntimeSource& source) {
        for (PollState state = PollState::ready; state == PollState::ready;)
            state = source.poll(Nanos::zero(), batch_)->state;
        ASSERT_TRUE(source.finish(batch_).has_value());
    }
    std::string refusal(pid_t pid) {
        const auto injection = inject::Injection::begin(pid, {.folder = folder_, .python = {}});
        return injection ? "" : injection.error().message;
    }

    OwnedFolder owned_;
    std::string folder_;
    EventBatch batch_;
};

TEST_F(InjectionTest, FiftyTimesIntoOneRunningProcessWithoutHarmAndExactEachTime) {
    for (const std::string& python : pythons()) {
        SCOPED_TRACE(python);
        Program program({python, "-X", "faulthandler", "-c", kProgram});
        ASSERT_EQ(program.line(), "ready");
        for (int i = 0; i < 50; ++i) {
            batch_ = EventBatch();
            runtime::RuntimeOptions options;
            options.folder = folder_;
            auto source = runtime::make_runtime_source(options);
            ASSERT_TRUE(source->start().has_value());
            auto injection = inject::Injection::begin(program.pid(), {.folder = folder_, .python = {}});
            ASSERT_TRUE(injection.has_value()) << injection.error().message << " at " << i;
            program.say(std::to_string(100 + i) + "\n");
            ASSERT_EQ(program.line(), "done");
            const auto ended = injection->end();
            ASSERT_TRUE(ended.has_value()) << ended.error().message;
            program.say("1000\n");  // is not told any more
            ASSERT_EQ(program.line(), "done");
            read_all(*source);
            ASSERT_EQ(calls("marked"), 100u + static_cast<unsigned>(i));
        }
        EXPECT_EQ(program.end(), 7);
    }
}

TEST_F(InjectionTest, ARingInMemoryServesWhereFilesAreNotShared) {
    Program program({"/usr/bin/python3", "-c", kProgram});
    ASSERT_EQ(program.line(), "ready");
    auto injection = inject::Injection::begin(program.pid(), {.folder = {}, .python = {.functions_in_c = true, .watches = {}}});
    ASSERT_TRUE(injection.has_value()) << injection.error().message;
    auto source = runtime::make_runtime_source({});
    ASSERT_TRUE(source->start().has_value());
    const auto watched = source->watch(injection->ring(), program.pid());
    ASSERT_TRUE(watched.has_value()) << watched.error().message;
    program.say("30\n");
    ASSERT_EQ(program.line(), "done");
    ASSERT_TRUE(injection->end().has_value());
    read_all(*source);
    EXPECT_EQ(calls("marked"), 30u);
    EXPECT_EQ(program.end(), 7);
}

TEST_F(InjectionTest, AProcessWhoseOnlyThreadWaitsForALockOrComputesIsReached) {
    for (const char* what : {"threading.Lock().acquire() and lock.acquire()", "[0 for _ in iter(int, 1)]"}) {
        SCOPED_TRACE(what);
        const std::string text =
            "import threading\nlock = threading.Lock(); lock.acquire()\nprint('ready', flush=True)\n";
        Program program({"/usr/bin/python3", "-c", text + what});
        ASSERT_EQ(program.line(), "ready");
        auto injection = inject::Injection::begin(program.pid(), {.folder = folder_, .python = {}});
        ASSERT_TRUE(injection.has_value()) << injection.error().message;
        EXPECT_TRUE(injection->end().has_value());
        kill(program.pid(), SIGTERM);
        EXPECT_EQ(program.end(), -SIGTERM);
    }
}

TEST_F(InjectionTest, AProcessThatEndsMeanwhileIsNoError) {
    Program program({"/usr/bin/python3", "-c", kProgram});
    ASSERT_EQ(program.line(), "ready");
    auto injection = inject::Injection::begin(program.pid(), {.folder = folder_, .python = {}});
    ASSERT_TRUE(injection.has_value()) << injection.error().message;
    EXPECT_EQ(program.end(), 7);
    EXPECT_TRUE(injection->end().has_value());
}

TEST_F(InjectionTest, TwoTracersAtOnceAreOneTooMany) {
    Program program({"/usr/bin/python3", "-c", kProgram});
    ASSERT_EQ(program.line(), "ready");
    auto injection = inject::Injection::begin(program.pid(), {.folder = folder_, .python = {}});
    ASSERT_TRUE(injection.has_value()) << injection.error().message;
    EXPECT_THAT(refusal(program.pid()), HasSubstr("another tracer"));
}

TEST_F(InjectionTest, AProcessThatIsAskedInVainIsRefusedInOneLine) {
    Program shell({"sh", "-c", "read line; exit 7"});
    EXPECT_THAT(refusal(shell.pid()), HasSubstr("has no CPython in it"));
    EXPECT_EQ(shell.end(), 7);
    EXPECT_THAT(refusal(getpid()), HasSubstr("autotune itself"));
    EXPECT_THAT(refusal(2), ::testing::AnyOf(HasSubstr("no program"), HasSubstr("another user's")));
}

TEST_F(InjectionTest, AStaticProgramIsRefused) {
    Program busybox({"/bin/busybox", "sh", "-c", "read line; exit 7"});
    while (std::filesystem::read_symlink("/proc/" + std::to_string(busybox.pid()) + "/exe").filename() != "busybox")
        sched_yield();  // until it has been executed
    EXPECT_THAT(refusal(busybox.pid()), HasSubstr("linked statically"));
    EXPECT_EQ(busybox.end(), 7);
}

TEST_F(InjectionTest, APidThatIsGoneIsRefused) {
    Program program({"true"});
    const pid_t pid = program.pid();
    program.end();
    EXPECT_THAT(refusal(pid), HasSubstr("there is no process"));
}

TEST_F(InjectionTest, AStoppedProcessStaysStopped) {
    Program program({"/usr/bin/python3", "-c", kProgram});
    ASSERT_EQ(program.line(), "ready");
    kill(program.pid(), SIGSTOP);
    int status = 0;
    waitpid(program.pid(), &status, WUNTRACED);
    EXPECT_THAT(refusal(program.pid()), HasSubstr("is stopped"));
    kill(program.pid(), SIGCONT);
    EXPECT_EQ(program.end(), 7);
}

TEST_F(InjectionTest, AnotherUsersProcessIsRefused) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    Program program({"/usr/bin/python3", "-c", kProgram});
    ASSERT_EQ(program.line(), "ready");
    const pid_t child = fork();
    if (child == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0) _exit(9);
        const std::string message = refusal(program.pid());
        _exit(message.find("another user's") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(program.end(), 7);
}

}  // namespace
}  // namespace autotune
