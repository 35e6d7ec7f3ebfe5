// What tracing adds to a system call that does nothing: each told with latency and record, and only counted; strace -c
// and perf trace -s beside it.
#include <sys/syscall.h>

#include <cstring>
#include <ctime>

#include "agent/bpf/bpf_source.hpp"
#include "bench/tracing/rows.hpp"
#include "bench/tracing/traced_worker.hpp"

namespace autotune::bench {
namespace {

constexpr int kMany = 200'000;
constexpr int kFew = 10'000;  // for those that take microseconds

double now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// In pieces: the median of them is that of an undisturbed machine.
int work(int calls) {
    wait_for_go();
    std::vector<double> pieces;
    for (int piece = 0; piece < 20; ++piece) {
        const double start = now_ns();
        for (int i = 0; i < calls / 20; ++i) syscall(SYS_getppid);
        pieces.push_back((now_ns() - start) / (calls / 20));
    }
    std::printf("%.1f\n", median(pieces));
    return 0;
}

std::vector<std::string> worker(int calls) { return {"/proc/self/exe", "--work", std::to_string(calls)}; }

double alone() {
    Worker w(worker(kMany));
    w.go();
    return w.answer();
}

// 0: records were lost, so it was not the whole cost.
double traced(SyscallDetail detail) {
    Worker w(worker(kMany));
    auto source = make_bpf_source({.ring_bytes = 64u << 20});
    if (!source || !(*source)->focus({.processes = {w.pid()}, .syscalls = detail}) || !(*source)->start()) {
        std::fprintf(stderr, "no eBPF source\n");
        std::exit(2);
    }
    w.go();
    EventBatch batch;
    std::uint64_t seen = 0;
    for (;;) {
        const auto polled = (*source)->poll(std::chrono::milliseconds(100), batch);
        for (const Event& e : batch.events) {
            if (const auto* one = std::get_if<SyscallDone>(&e.body)) seen += one->number == SYS_getppid ? 1 : 0;
            if (const auto* all = std::get_if<SyscallTotals>(&e.body))
                seen += all->number == SYS_getppid ? all->calls : 0;
        }
        batch.events.clear();
        if (!polled || polled->state == PollState::ended) break;
    }
    if (seen == kMany) return w.answer();
    std::fprintf(stderr, "%llu of %d calls were seen\n", static_cast<unsigned long long>(seen), kMany);
    return 0;
}

// Without the tracer's own start and end, as the worker itself saw it. 0: the peer does not work here.
double under(std::vector<std::string> peer) {
    char self[4096] = {};
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 0;
    for (const std::string& a : worker(kFew)) peer.push_back(a == "/proc/self/exe" ? self : a);
    Worker w(peer);
    w.go();
    return w.answer();
}

int measure() {
    std::vector<double> each, counted, strace, perf;
    for (int round = 0; round < kRounds; ++round) {
        const double bare = alone();
        const auto add = [&](std::vector<double>& to, double with) {
            if (with > 0) to.push_back(with - bare);
        };
        add(each, traced(SyscallDetail::each));
        add(counted, traced(SyscallDetail::counted));
        add(strace, under({"strace", "-c", "-f", "-o", "/dev/null"}));
        add(perf, under({"perf", "trace", "-s", "-o", "/dev/null"}));
    }
    if (each.empty() || counted.empty()) return 1;
    const auto of_peer = [](const std::vector<double>& all) {
        return all.empty() ? std::nullopt : std::optional(median(all));
    };
    bool kept = print({.name = "syscalls.traced",
                       .bar = 400,
                       .ours = median(each),
                       .peer = of_peer(perf),
                       .says = "ns added to a call, each with latency and record; peer perf trace -s"});
    kept &= print({.name = "syscalls.counted",
                   .bar = 150,
                   .ours = median(counted),
                   .peer = of_peer(strace),
                   .says = "ns added to a call, counted; peer strace -c"});
    return kept ? 0 : 3;
}

}  // namespace
}  // namespace autotune::bench

int main(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "--work") == 0) return autotune::bench::work(std::atoi(argv[2]));
    return autotune::bench::measure();
}
