#include "agent/native/calibration.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "agent/symbols/process_maps.hpp"
#include "os/file.hpp"

namespace autotune::native {

namespace {

#if defined(__x86_64__)
// Empty but for the instruction that is probed; _r for return probes, _x with the exit at EXIT bytes.
// clang-format off
#define AUTOTUNE_EMPTY(NAME, ...)                                                                     \
    asm(".pushsection .text\n.p2align 4\n.local autotune_empty_" #NAME "_r\n.type autotune_empty_" #NAME "_r,@function\n" \
        "autotune_empty_" #NAME "_r:\n" __VA_ARGS__ "ret\n"                                           \
        ".p2align 4\n.local autotune_empty_" #NAME "_x\n.type autotune_empty_" #NAME "_x,@function\n" \
        "autotune_empty_" #NAME "_x:\n" __VA_ARGS__ "ret\n.popsection\n");                            \
    extern "C" void autotune_empty_##NAME##_r();                                                      \
    extern "C" void autotune_empty_##NAME##_x();
// clang-format on
AUTOTUNE_EMPTY(nop5, ".byte 0x0f,0x1f,0x44,0x00,0x00\n")
AUTOTUNE_EMPTY(nop, "nop\n")
AUTOTUNE_EMPTY(push, "push %rbx\npop %rbx\n")
AUTOTUNE_EMPTY(jump, "jmp 1f\n1:\n")
AUTOTUNE_EMPTY(stepped, "xor %eax,%eax\n")

struct Empty {
    void (*function)();
    SiteKind kind;
    EndSeenBy end;
    std::uint32_t exit;  // bytes after the entry
};
const std::array<Empty, 10> kEmpty{{
    {autotune_empty_nop5_r, SiteKind::nop5, EndSeenBy::return_probe, 5},
    {autotune_empty_nop_r, SiteKind::nop, EndSeenBy::return_probe, 1},
    {autotune_empty_push_r, SiteKind::push, EndSeenBy::return_probe, 2},
    {autotune_empty_jump_r, SiteKind::jump, EndSeenBy::return_probe, 2},
    {autotune_empty_stepped_r, SiteKind::stepped, EndSeenBy::return_probe, 2},
    {autotune_empty_nop5_x, SiteKind::nop5, EndSeenBy::exit_sites, 5},
    {autotune_empty_nop_x, SiteKind::nop, EndSeenBy::exit_sites, 1},
    {autotune_empty_push_x, SiteKind::push, EndSeenBy::exit_sites, 2},
    {autotune_empty_jump_x, SiteKind::jump, EndSeenBy::exit_sites, 2},
    {autotune_empty_stepped_x, SiteKind::stepped, EndSeenBy::exit_sites, 2},
}};
#else
struct Empty {
    void (*function)();
    SiteKind kind;
    EndSeenBy end;
    std::uint32_t exit;
};
[[gnu::noinline]] void empty_function() { asm volatile(""); }
const std::array<Empty, 1> kEmpty{{{empty_function, SiteKind::stepped, EndSeenBy::return_probe, 0}}};
#endif

constexpr int kBatches = 8;  // in close succession, and as many with something else in between
constexpr int kCalls = 20;   // in one batch
constexpr std::int64_t kApartNs = 3'000;

std::int64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

std::int64_t time_batch(void (*function)()) {
    void (*volatile called)() = function;
    const std::int64_t begin = now_ns();
    for (int i = 0; i < kCalls; ++i) called();
    return now_ns() - begin;
}

// As calls mostly are: the probes' code and data are no longer at hand.
void call_apart(void (*function)()) {
    void (*volatile called)() = function;
    for (int i = 0; i < kCalls; ++i) {
        const std::int64_t next = now_ns() + kApartNs;
        while (now_ns() < next) {
        }
        called();
    }
}

std::uint32_t at_share(std::vector<std::uint64_t>& sorted, std::size_t percent) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(sorted[(sorted.size() - 1) * percent / 100], UINT32_MAX));
}

class Trial {
public:
    explicit Trial(KernelProbes& probes) : probes_(probes) {}

    Result<Calibration> run() {
        const auto text = read_file("/proc/self/maps");
        if (!text) return text.forward();
        maps_ = symbols::ProcessMaps::parse(*text);
        if (Status s = attach(); !s) return s.forward();
        const std::int32_t own = getpid();
        if (Status s = probes_.watch({&own, 1}, {}); !s) return s.forward();
        Calibration all;
        for (std::uint32_t i = 0; i < kEmpty.size(); ++i) {
            const auto one = measure(i);
            if (!one) return one.forward();
            all.by_end.at(static_cast<std::size_t>(kEmpty[i].end))
                .at(static_cast<std::size_t>(kEmpty[i].kind)) = *one;
        }
        probes_.detach();
        for (const CallSums& s : probes_.sums()) probes_.forget_sums(s.key);
        if (kEmpty.size() == 1)
            for (auto& end : all.by_end) end.fill(all.of(SiteKind::stepped, EndSeenBy::return_probe));
        return all;
    }

private:
    // All in one go for each use: letting go of a set costs as much as of one probe.
    Status attach() {
        ProbeSet exits{.use = ProbeUse::exit_site};
        ProbeSet entries{.use = ProbeUse::entry};
        ProbeSet calls{.use = ProbeUse::call};
        for (std::uint32_t i = 0; i < kEmpty.size(); ++i) {
            if (Status s = probes_.describe(i, {}); !s) return s;
            const Empty& e = kEmpty.at(i);
            const symbols::Mapping* mapping = maps_.find(reinterpret_cast<std::uint64_t>(e.function));
            if (mapping == nullptr || !mapping->has_file())
                return fail(Errc::unsupported, "the agent does not find its own code");
            const std::uint64_t at =
                reinterpret_cast<std::uint64_t>(e.function) - mapping->start + mapping->offset;
            const auto add = [&](ProbeSet& set, std::uint64_t offset) {
                set.path = mapping->path;
                set.offsets.push_back(offset);
                set.cookies.push_back(i);
            };
            if (e.end == EndSeenBy::return_probe) add(calls, at);
            if (e.end == EndSeenBy::exit_sites) add(exits, at + e.exit), add(entries, at);
        }
        for (const ProbeSet* set : {&exits, &entries, &calls})
            if (Status s = probes_.attach(*set); !s) return s;
        return ok();
    }

    Result<ProbeBias> measure(std::uint32_t index) {
        std::vector<std::uint64_t> durations;
        std::vector<std::uint64_t> costs;
        const auto take = [&](std::span<const std::byte> bytes) {
            at_native_call call{};
            if (bytes.size() != sizeof call) return;
            std::memcpy(&call, bytes.data(), sizeof call);
            if (call.head.index == index) durations.push_back(call.duration_ns);
        };
        (void)time_batch(kEmpty[index].function);  // the kernel replaces nops when they are first reached
        if (const auto n = probes_.drain(take, SIZE_MAX); !n) return n.forward();
        durations.clear();
        for (int i = 0; i < kBatches; ++i) {
            costs.push_back(static_cast<std::uint64_t>(time_batch(kEmpty[index].function)) / kCalls);
            call_apart(kEmpty[index].function);
            if (const auto n = probes_.drain(take, SIZE_MAX); !n) return n.forward();
        }
        if (durations.size() < kBatches * kCalls)  // half of them
            return fail(Errc::unsupported, "probes of this program's own functions do not fire");
        std::ranges::sort(durations);
        std::ranges::sort(costs);
        const std::uint32_t middle = at_share(durations, 50);
        return ProbeBias{
            .bias_ns = middle,
            .spread_ns = std::max(at_share(durations, 90) - middle, middle - at_share(durations, 10)),
            .cost_ns = std::max(at_share(costs, 50), middle)};
    }

    KernelProbes& probes_;
    symbols::ProcessMaps maps_;
};

}  // namespace

Result<Calibration> calibrate(KernelProbes& probes) { return Trial(probes).run(); }

}  // namespace autotune::native
