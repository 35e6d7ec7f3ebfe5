// Samples of native programs, and of which processes there are any.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/bpf/bpf_source.hpp"
#include "os/fd.hpp"
#include "tests/agent/symbols/sampler_on_kernel.hpp"

namespace autotune::symbols {
namespace {

TEST_F(SamplerOnKernel, WalksNativeCodeWithFramePointers) {
    Collected got;
    std::istringstream told(sampled({AUTOTUNE_NATIVE_PROGRAM, "600"}, got));
    double large = 0;
    double small = 0;
    told >> large >> small;
    ASSERT_GE(got.holding["main"], 300u) << got.summary();
    EXPECT_NEAR(got.share("large_share") / got.share("main"), large / (large + small), 0.03) << got.summary();
    EXPECT_EQ(got.together("large_share", "small_share"), 0u);
    EXPECT_LT(got.truncated, got.samples / 20) << got.summary();
}

TEST_F(SamplerOnKernel, WalksCodeWithoutFramePointersToItsStart) {
    Collected got;
    sampled({AUTOTUNE_FRAMELESS_PROGRAM, "800", made_to_wait("frameless")}, got);
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

TEST_F(SamplerOnKernel, CutsNativeRecursionTenThousandDeepAndSaysSo) {
    Collected got;
    sampled({AUTOTUNE_DEEP_PROGRAM, made_to_wait("deep")}, got);
    EXPECT_GE(got.holding["down"], 300u) << got.summary();
    EXPECT_GE(got.truncated, got.holding["down"] - 20) << got.summary();
    for (const StackId stack : got.stacks) EXPECT_LE(got.batch.tables.stacks[stack].size(), 1'500u);
}

// A piece of the stack that is read at once would reach beyond its end.
TEST_F(SamplerOnKernel, WalksAStackUpToTheEndOfItsMemory) {
    Collected got;
    sampled({AUTOTUNE_COROUTINE_PROGRAM, made_to_wait("coroutine")}, got);
    EXPECT_GE(got.holding["work_in_coroutine"], 100u) << got.summary();
    // What comes before it libc does not describe.
    EXPECT_GE(got.together("work_in_coroutine", "coroutine") * 100, got.holding["work_in_coroutine"] * 99) << got.summary();
}

double cpu_seconds_of(pid_t process) {
    clockid_t clock = 0;
    timespec t{};
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

bool is_stopped(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    const std::string stat((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return stat.find(") T ") != std::string::npos;
}

// However late the agent is, as on a machine that is busy: the first stacks are as whole as the others. It looks when
// the process has had 150 ms, and has stopped itself: how many more stacks would come depends on how quick the look is.
TEST_F(SamplerOnKernel, WalksStacksThatWereTakenBeforeThereWereTables) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {AUTOTUNE_FRAMELESS_PROGRAM, "400", "stop"});
    while (!is_stopped(child.pid()) && !child.ended()) ::poll(nullptr, 0, 1);
    ASSERT_TRUE(source->poll(Nanos(0), got.batch));
    ASSERT_EQ(::kill(child.pid(), SIGCONT), 0);
    for (const Event& e : got.batch.events) got.add(e);
    ASSERT_GT(got.samples, 100u) << got.summary();
    // Those of the test itself, before it became the program, are nowhere any more.
    EXPECT_LE((got.truncated - got.holding["[unmapped]"]) * 100, got.samples) << got.summary();
    EXPECT_LE(got.holding["[unmapped]"], 10u) << got.summary();
    EXPECT_GE(got.together("sort_in_libc", "main") * 100, got.holding["sort_in_libc"] * 99) << got.summary();
    EXPECT_GE(got.together("compare_slowly", "sort_in_libc") * 100, got.holding["compare_slowly"] * 99);
    EXPECT_GE(got.holding["compare_slowly"], 80u);
    EXPECT_EQ(source->health().not_copied, 0u);
    got.batch.events.clear();
    const std::uint64_t samples = got.samples, copied = source->health().copied;
    EXPECT_GE(copied, 100u);
    collect(*source, child, got);
    EXPECT_EQ(child.status(), 0);
    // It has the tables now, and uses them at once: what was left were in libraries that came later, if any.
    ASSERT_GT(got.samples, samples + 300) << got.summary();
    EXPECT_LE(source->health().copied, copied + 20);
}

// Half of the time in a library, half in another one in its place.
class SamplerOnSwappedLibraries : public SamplerOnKernel {
protected:
    // Three tries: a machine whose clock is not served in time misses some. `late`: nobody looks before both have been there.
    void expect_halves(Collected& got, bool late = false) {
        std::uint64_t first = 0, other = 0;
        const auto apart = [&] { return std::max(first, other) - std::min(first, other); };
        for (int tries = 0; tries < 3 && (std::min(first, other) < 80 || apart() > 25); ++tries) {
            const auto source = started();
            ASSERT_NE(source, nullptr);
            got = Collected();
            TracedChild child(cgroup_, {AUTOTUNE_SWAPPING_PROGRAM, AUTOTUNE_FIRST_LIBRARY, AUTOTUNE_OTHER_LIBRARY});
            while (late && cpu_seconds_of(child.pid()) < 0.15 && !child.ended()) ::poll(nullptr, 0, 1);
            collect(*source, child, got);
            ASSERT_EQ(child.status(), 0) << "4: the other library lies elsewhere";
            first = got.holding["spin_in_first"], other = got.holding["spin_in_other"];
        }
        EXPECT_GE(first, 80u) << got.summary();
        EXPECT_GE(other, 80u) << got.summary();
        EXPECT_LE(apart(), 25u) << got.summary();
    }
};

TEST_F(SamplerOnSwappedLibraries, NamesTheOneThatTookTheUnloadedOnesPlace) {
    Collected got;
    expect_halves(got);
    EXPECT_EQ(got.together("spin_in_first", "spin_in_other"), 0u);
}

// What is mapped when it is looked at is later than half of the samples.
TEST_F(SamplerOnSwappedLibraries, NamesTheOneThatAnotherHasReplacedSince) {
    Collected got;
    expect_halves(got, true);
}

// Nobody looks before it has ended: what it had mapped was heard of.
TEST_F(SamplerOnKernel, NamesTheLibrariesOfAProcessThatIsGoneBeforeAnybodyLooks) {
    const auto source = started();
    ASSERT_NE(source, nullptr);
    Collected got;
    TracedChild child(cgroup_, {AUTOTUNE_FRAMELESS_PROGRAM, "40"});
    while (!child.ended()) ::poll(nullptr, 0, 1);
    collect(*source, child, got);
    ASSERT_EQ(child.status(), 0);
    ASSERT_GE(got.samples, 100u) << got.summary();
    // Without tables that were read after its end none would be whole.
    for (const char* function : {"sort_in_libc", "aligned_work", "on_signal", "down"}) {  // none is deeper than what is copied
        EXPECT_GE(got.holding[function], 20u) << function << ": " << got.summary();
        EXPECT_GE(got.together(function, "main") * 100, got.holding[function] * 95) << function << ": " << got.summary();
    }
    EXPECT_GE(got.together("compare_slowly", "sort_in_libc") * 100, got.holding["compare_slowly"] * 95);
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
    // 400 ms of CPU at 997 Hz; the loader's own time is some milliseconds. By a clock that a busy machine serves late now and then.
    double told = 0;
    for (int tries = 0; tries < 5 && std::abs(told - 400 * 0.997) > 40; ++tries) {
        const auto source = started({.ring_bytes = 8192});
        ASSERT_NE(source, nullptr);
        TracedChild child(cgroup_, {AUTOTUNE_NATIVE_PROGRAM, "400"});
        while (!child.ended()) ::poll(nullptr, 0, 1);
        Collected got;
        ASSERT_TRUE(source->poll(Nanos(0), got.batch));
        for (const Event& e : got.batch.events) got.add(e);
        EXPECT_GT(got.samples, 0u);
        EXPECT_GT(got.lost, 0u) << got.summary();
        told = static_cast<double>(got.samples + got.lost);
    }
    EXPECT_NEAR(told, 400 * 0.997, 40);
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

// A shell outside the traced cgroups that starts the program when it is told to. It waits in a call of its own: no process but these two.
class ShellThatWaits {
public:
    explicit ShellThatWaits(const TestCgroup& cgroup)
        : child(cgroup, {"/bin/sh", "-c",
                         "read go < " + signal_ + "; " AUTOTUNE_NATIVE_PROGRAM " 100 > /dev/null; exit 0"}) {}
    ~ShellThatWaits() { std::filesystem::remove(signal_); }
    void go() const { ASSERT_EQ(::write(pipe_.get(), "go\n", 3), 3); }

private:
    static Fd made_pipe(const std::string& path) {
        std::filesystem::remove(path);
        return Fd(::mkfifo(path.c_str(), 0600) == 0 ? ::open(path.c_str(), O_RDWR | O_CLOEXEC) : -1);
    }
    std::string signal_ = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-go";
    Fd pipe_ = made_pipe(signal_);  // open from here on both sides: nobody waits for the other to open it

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
    EXPECT_LE(pids.size(), 2u);  // the shell and the program
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
