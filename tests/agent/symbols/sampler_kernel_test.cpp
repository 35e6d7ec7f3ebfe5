#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "agent/bpf/bpf_source.hpp"
#include "agent/symbols/sampler_source.hpp"
#include "tests/agent/symbols/traced_child.hpp"

namespace autotune::symbols {
namespace {

using autotune::testing::TestCgroup;
using autotune::testing::TracedChild;

constexpr std::uint32_t kHz = 997;

// Three functions of about 50, 30 and 20 %, each as it measured itself; nested, so that inner must appear
// below outer.
constexpr const char* kPythonProgram = R"(
import sys, time
spent = {}
def burn(seconds):
    end = time.thread_time() + seconds
    n = 0
    while time.thread_time() < end:
        for i in range(200):
            n += i * i
    return n
def account(name, begin):
    spent[name] = spent.get(name, 0.0) + time.thread_time() - begin
def alpha():
    begin = time.thread_time(); burn_alpha(0.050); account('alpha', begin)
def beta():
    begin = time.thread_time(); burn_beta(0.030); account('beta', begin)
def gamma():
    begin = time.thread_time(); burn_gamma(0.020); account('gamma', begin)
def burn_alpha(s): burn(s)
def burn_beta(s): burn(s)
class Work:
    def gamma_method(self, s): burn(s)
def burn_gamma(s): Work().gamma_method(s)
def main():
    for _ in range(30):
        alpha(); beta(); gamma()
main()
print(' '.join('%s %.6f' % item for item in spent.items()))
)";

struct Collected {
    EventBatch batch;
    std::uint64_t samples = 0;
    std::uint64_t truncated = 0;
    std::uint64_t lost = 0;
    std::map<std::string, std::uint64_t> holding;  // samples whose stack holds that function
    std::map<std::string, std::uint64_t> leaves;
    std::map<std::pair<std::string, std::string>, std::uint64_t> pairs;  // samples that hold both
    std::set<StackId> stacks;
    std::set<std::string> modules;

    [[nodiscard]] std::string name(FrameId id) const {
        return std::string(batch.tables.strings[batch.tables.frames[id].name]);
    }
    [[nodiscard]] double share(const std::string& function) const {
        const auto found = holding.find(function);
        return found == holding.end() ? 0 : static_cast<double>(found->second) / static_cast<double>(samples);
    }
    [[nodiscard]] std::string summary() const {
        std::ostringstream text;
        text << samples << " samples, " << truncated << " truncated, " << lost << " lost; holding:";
        for (const auto& [function, count] : holding) text << ' ' << function << '=' << count;
        return text.str();
    }
    [[nodiscard]] std::uint64_t together(const std::string& a, const std::string& b) const {
        const auto found = pairs.find({a, b});
        return found == pairs.end() ? 0 : found->second;
    }
    void add(const Event& event) {
        if (const auto* loss = std::get_if<Lost>(&event.body)) lost += loss->count;
        const auto* sample = std::get_if<StackSample>(&event.body);
        if (sample == nullptr) return;
        ++samples;
        truncated += sample->truncated ? 1 : 0;
        const auto frames = batch.tables.stacks[sample->stack];
        std::set<std::string> names;
        for (const FrameId f : frames) {
            names.insert(name(f));
            modules.emplace(batch.tables.strings[batch.tables.frames[f].module]);
        }
        stacks.insert(sample->stack);
        for (const auto& a : names) {
            ++holding[a];
            for (const auto& b : names) ++pairs[{a, b}];
        }
        if (!frames.empty()) ++leaves[name(frames[0])];
    }
};

class SamplerOnKernel : public ::testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root to load BPF programs";
        ASSERT_TRUE(cgroup_.made()) << "could not make a cgroup below the unified mount";
    }
    std::unique_ptr<SamplerSource> started(SamplerOptions options = {}) {
        options.sample_hz = kHz;
        auto made = make_sampler_source(options);
        if (!made) return nullptr;
        auto source = std::move(*made);
        EXPECT_TRUE(source->focus({.cgroups = {"/" + cgroup_.path()}, .sample_hz = kHz}));
        const auto status = source->start();
        EXPECT_TRUE(status) << status.error().message;
        return status ? std::move(source) : nullptr;
    }
    void collect(SamplerSource& source, TracedChild& child, Collected& into) {
        bool ended = false;
        while (!ended) {
            ended = child.ended();
            const auto poll = source.poll(std::chrono::milliseconds(10), into.batch);
            ASSERT_TRUE(poll) << poll.error().message;
            for (const Event& e : into.batch.events) {
                if (std::holds_alternative<StackSample>(e.body)) {
                    EXPECT_EQ(e.process.pid, child.pid());
                    EXPECT_GT(e.process.start_ns, 0u);
                }
                into.add(e);
            }
            into.batch.events.clear();
        }
    }
    std::string write_program(const std::string& name, const std::string& text) {
        const std::string path = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-" + name;
        std::ofstream(path) << text;
        return path;
    }
    void expect_python_shares(const std::string& python) {
        const auto source = started();
        ASSERT_NE(source, nullptr);
        Collected got;
        TracedChild child(cgroup_, {python, write_program("shares.py", kPythonProgram)});
        collect(*source, child, got);
        ASSERT_EQ(child.status(), 0) << child.text();
        std::map<std::string, double> spent;
        std::istringstream words(child.text());
        double total = 0;
        for (std::string name; words >> name;) total += (words >> spent[name], spent[name]);
        ASSERT_EQ(spent.size(), 3u) << child.text();
        // Of the samples in main: start and end of the interpreter are not the functions' time.
        const double in_main = got.share("main");
        ASSERT_GE(got.holding["main"], 300u) << got.summary();
        for (const auto& [name, seconds] : spent)
            EXPECT_NEAR(got.share(name) / in_main, seconds / total, 0.03) << name;
        EXPECT_GT(got.holding["burn_alpha"], got.holding["alpha"] * 95 / 100) << got.summary();
        EXPECT_GT(got.holding["burn"], got.holding["main"] * 95 / 100) << got.summary();
        EXPECT_GT(got.holding["<module>"], got.holding["main"] * 95 / 100) << "the walk stops too early";
        // Modules' top-level code is freed when it has run.
        EXPECT_LT(source->health().unresolved_code, got.samples / 20);
        EXPECT_EQ(got.lost, 0u);
    }

    TestCgroup cgroup_;
};

// The system's, and those that AUTOTUNE_TEST_PYTHONS names (paths with ':' between them).
TEST_F(SamplerOnKernel, GivesEachPythonFunctionItsShare) {
    std::vector<std::string> pythons{"/usr/bin/python3"};
    const char* others = std::getenv("AUTOTUNE_TEST_PYTHONS");
    std::istringstream list(others != nullptr ? others : "");
    for (std::string path; std::getline(list, path, ':');) pythons.push_back(path);
    for (const std::string& python : pythons) {
        SCOPED_TRACE(python);
        expect_python_shares(python);
    }
}

TEST_F(SamplerOnKernel, ShowsPythonLinesAndFiles) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    const std::string program = write_program("lines.py",
                                              "def spin():\n"
                                              "    n = 0\n"
                                              "    for i in range(6000000):\n"
                                              "        n += i * i\n"
                                              "    return n\n"
                                              "\n"
                                              "spin()\n");
    TracedChild child(cgroup_, {"/usr/bin/python3", program});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    std::map<std::string, std::set<std::uint32_t>> lines;
    for (const StackId stack : got.stacks)
        for (const FrameId f : got.batch.tables.stacks[stack]) {
            const Frame& frame = got.batch.tables.frames[f];
            if (got.batch.tables.strings[frame.file] == program) lines[got.name(f)].insert(frame.line);
        }
    EXPECT_EQ(lines["<module>"], (std::set<std::uint32_t>{7})) << got.summary();
    EXPECT_TRUE(lines["spin"].contains(4)) << got.summary();
    for (const std::uint32_t line : lines["spin"]) EXPECT_TRUE(line >= 1 && line <= 5) << line;
}

TEST_F(SamplerOnKernel, PutsNativeWorkBelowThePythonFunctionThatAskedForIt) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_,
                      {"/usr/bin/python3", write_program("zip.py",
                                                         "import zlib, random\n"
                                                         "data = random.Random(1).randbytes(3000000)\n"
                                                         "def press():\n"
                                                         "    for _ in range(6): zlib.compress(data)\n"
                                                         "press()\n")});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    EXPECT_GT(got.holding["press"], 100u) << got.summary();
    const bool has_zlib = std::ranges::any_of(
        got.modules, [](const auto& m) { return m.find("libz.so") != std::string::npos; });
    EXPECT_TRUE(has_zlib) << got.summary();
    EXPECT_LT(got.leaves["press"], got.holding["press"] / 4) << "the native leaf is missing";
}

// zlib lets go of the GIL while it works: the thread that holds it is another one then.
TEST_F(SamplerOnKernel, NamesThreadsThatRunWithoutTheGil) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {"/usr/bin/python3",
                                write_program("threads.py",
                                              "import zlib, random, threading\n"
                                              "data = random.Random(1).randbytes(3000000)\n"
                                              "def press():\n"
                                              "    for _ in range(4): zlib.compress(data)\n"
                                              "def spin():\n"
                                              "    return sum(i * i for i in range(4000000))\n"
                                              "ts = [threading.Thread(target=press) for _ in range(2)]\n"
                                              "[t.start() for t in ts]\n"
                                              "spin()\n"
                                              "[t.join() for t in ts]\n")});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    EXPECT_GT(got.holding["press"], 100u) << got.summary();
    EXPECT_GT(got.holding["spin"], 50u) << got.summary();
    EXPECT_EQ(got.together("press", "spin"), 0u) << "one thread was given another's stack";
    EXPECT_GT(source->health().python_samples, got.samples * 8 / 10) << got.summary();
}

TEST_F(SamplerOnKernel, WalksNativeCodeWithFramePointers) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "600"});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    double large = 0;
    double small = 0;
    std::istringstream(child.text()) >> large >> small;
    ASSERT_GE(got.holding["main"], 300u) << got.summary();
    EXPECT_NEAR(got.share("large_share") / got.share("main"), large / (large + small), 0.03) << got.summary();
    EXPECT_EQ(got.together("large_share", "small_share"), 0u);
    EXPECT_LT(got.truncated, got.samples / 20) << got.summary();
}

TEST_F(SamplerOnKernel, WalksCodeWithoutFramePointersToItsStart) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {AUTOTUNE_FRAMELESS_PROGRAM, "800"});
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    ASSERT_GE(got.samples, 2'500u) << got.summary();
    EXPECT_LE(got.truncated * 100, got.samples) << got.summary();
    for (const char* function : {"sort_in_libc", "match_in_libstdcxx", "aligned_work", "on_signal", "down"}) {
        EXPECT_GE(got.holding[function], 300u) << function << ": " << got.summary();
        // `_start` has no name in stripped programs; main's callers are libc's.
        EXPECT_GE(got.together(function, "main") * 100, got.holding[function] * 99) << function;
    }
    EXPECT_GE(got.together("compare_slowly", "sort_in_libc") * 100, got.holding["compare_slowly"] * 99);
    EXPECT_EQ(got.together("sort_in_libc", "match_in_libstdcxx"), 0u);
}

TEST_F(SamplerOnKernel, NamesAProcessThatIsGoneBeforeAnybodyLooks) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    for (int i = 0; i < 5; ++i) {
        TracedChild child(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "20"});
        while (!child.ended()) ::poll(nullptr, 0, 1);
    }
    ASSERT_TRUE(source->poll(Nanos(0), got.batch));
    for (const Event& e : got.batch.events) got.add(e);
    ASSERT_GT(got.samples, 20u) << got.summary();
    EXPECT_GT(got.holding["large_share"] + got.holding["small_share"], got.samples / 2) << got.summary();
}

TEST_F(SamplerOnKernel, AccountsForEverySampleThatFoundNoRoom) {
    const auto source = started({.ring_bytes = 8192});
    ASSERT_NE(source, nullptr);
    TracedChild child(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "400"});
    while (!child.ended()) ::poll(nullptr, 0, 1);
    Collected got;
    ASSERT_TRUE(source->poll(Nanos(0), got.batch));
    for (const Event& e : got.batch.events) got.add(e);
    EXPECT_GT(got.samples, 0u);
    EXPECT_GT(got.lost, 0u) << got.summary();
    // 400 ms of CPU at 997 Hz; the loader's own time is some milliseconds.
    EXPECT_NEAR(static_cast<double>(got.samples + got.lost), 400 * 0.997, 40) << got.summary();
}

TEST_F(SamplerOnKernel, SamplesNothingOutsideTheTracedCgroups) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    const int status = std::system(AUTOTUNE_NATIVE_PROGRAM " 100 > /dev/null");
    ASSERT_EQ(status, 0);
    Collected got;
    ASSERT_TRUE(source->poll(Nanos(0), got.batch));
    EXPECT_TRUE(got.batch.events.empty());
}

TEST_F(SamplerOnKernel, SharesTheBpfSourcesMapOfWatchedCgroups) {
    auto source = make_bpf_source();
    ASSERT_TRUE(source) << source.error().message;
    ASSERT_TRUE((*source)->focus({.cgroups = {"/" + cgroup_.path()}}));
    ASSERT_TRUE((*source)->start());
    const auto sampler = started({.tracked = (*source)->tracked_maps()});
    ASSERT_NE(sampler, nullptr);
    Collected got;
    TracedChild child(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "100"});
    collect(*sampler, child, got);
    EXPECT_GT(got.holding["large_share"], 30u) << got.summary();
}

// A shell outside the traced cgroups that starts the program when it is told to.
class ShellThatWaits {
public:
    explicit ShellThatWaits(const TestCgroup& cgroup)
        : child(cgroup, {"/bin/sh", "-c",
                         "while [ ! -e " + signal_ + " ]; do sleep 0.01; done; " AUTOTUNE_NATIVE_PROGRAM
                         " 100 > /dev/null; exit 0"}) {}
    ~ShellThatWaits() { std::filesystem::remove(signal_); }
    void go() const { std::ofstream(signal_).flush(); }

private:
    std::string signal_ = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-go";

public:
    TracedChild child;
};

void expect_samples_of_what_it_starts(SamplerSource& sampler, ShellThatWaits& shell) {
    Collected got;
    std::set<int> pids;
    shell.go();
    for (bool ended = false; !ended;) {
        ended = shell.child.ended();
        ASSERT_TRUE(sampler.poll(std::chrono::milliseconds(10), got.batch));
    }
    for (const Event& e : got.batch.events) {
        got.add(e);
        if (got.samples > 0) pids.insert(e.process.pid);
    }
    EXPECT_GT(got.holding["large_share"], 30u) << got.summary();
    EXPECT_LE(pids.size(), 3u);  // the shell, its sleep, the program
}

TEST_F(SamplerOnKernel, SamplesWhatAProcessThatWasNamedStarts) {
    ShellThatWaits shell(cgroup_);
    auto made = make_sampler_source({.sample_hz = kHz});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE((*made)->focus({.processes = {shell.child.pid()}, .sample_hz = kHz}));
    ASSERT_TRUE((*made)->start());
    expect_samples_of_what_it_starts(**made, shell);
}

TEST_F(SamplerOnKernel, SharesTheBpfSourcesMapOfWatchedProcesses) {
    ShellThatWaits shell(cgroup_);
    auto source = make_bpf_source();
    ASSERT_TRUE(source) << source.error().message;
    ASSERT_TRUE((*source)->focus({.processes = {shell.child.pid()}}));
    ASSERT_TRUE((*source)->start());
    const auto sampler = started({.tracked = (*source)->tracked_maps()});
    ASSERT_NE(sampler, nullptr);
    expect_samples_of_what_it_starts(*sampler, shell);
}

TEST_F(SamplerOnKernel, StopsAndGoesOnWhenAsked) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Detail detail{.cgroups = {"/" + cgroup_.path()}, .stacks = false, .sample_hz = kHz};
    ASSERT_TRUE(source->focus(detail));
    Collected shed;
    TracedChild first(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "50"});
    collect(*source, first, shed);
    EXPECT_EQ(shed.samples, 0u);
    detail.stacks = true;
    ASSERT_TRUE(source->focus(detail));
    Collected again;
    TracedChild second(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "50"});
    collect(*source, second, again);
    EXPECT_GT(again.samples, 20u);
}

}  // namespace
}  // namespace autotune::symbols
