// How many events the source takes: 200,000 a second for ten seconds from one core, none lost; and as fast as two
// cores can emit, where emitted = received + lost, to the event. An event is one write to /dev/null, told as IoDone.
#include <fcntl.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <memory>

#include "agent/bpf/bpf_source.hpp"
#include "bench/tracing/rows.hpp"
#include "bench/tracing/traced_worker.hpp"

namespace autotune::bench {
namespace {

double now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double own_cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// `count` writes, `rate` a second (0: as fast as it can), in bursts of a millisecond.
int work(long count, double rate) {
    wait_for_go();
    const Fd fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    const double start = now_ns();
    for (long i = 0; i < count; ++i) {
        if (write(fd.get(), "x", 1) != 1) return 1;
        if (rate > 0 && i % 200 == 0)
            while (static_cast<double>(i) > (now_ns() - start) * rate / 1e9) usleep(200);
    }
    std::printf("%.0f\n", static_cast<double>(count) / ((now_ns() - start) / 1e9));
    return 0;
}

struct Run {
    std::uint64_t emitted = 0, received = 0, lost = 0;
    double rate = 0;   // as the workers saw it, together
    double cores = 0;  // of this process
};

Run run(int workers, long count, double rate) {
    std::vector<std::unique_ptr<Worker>> all;
    Detail detail;
    for (int i = 0; i < workers; ++i) {
        all.push_back(std::make_unique<Worker>(std::vector<std::string>{
            "/proc/self/exe", "--work", std::to_string(count), std::to_string(rate)}));
        detail.processes.push_back(all.back()->pid());
    }
    auto source = make_bpf_source();
    if (!source || !(*source)->focus(detail) || !(*source)->start()) {
        std::fprintf(stderr, "no eBPF source\n");
        std::exit(2);
    }
    for (auto& worker : all) worker->go();
    Run result;
    EventBatch batch;
    const double start = now_ns(), cpu = own_cpu_seconds();
    for (;;) {
        const auto polled = (*source)->poll(std::chrono::milliseconds(100), batch);
        for (const Event& e : batch.events) {
            if (std::holds_alternative<IoDone>(e.body)) ++result.received;
            if (const auto* lost = std::get_if<Lost>(&e.body)) result.lost += lost->count;
        }
        batch.events.clear();
        if (!polled || polled->state == PollState::ended) break;
    }
    result.cores = (own_cpu_seconds() - cpu) / ((now_ns() - start) / 1e9);
    (void)(*source)->finish(batch);
    const SourceHealth health = (*source)->health();
    result.emitted = health.records_attempted;
    result.received = health.records_received;
    result.lost = health.lost[static_cast<std::size_t>(LossKind::ring_full)];
    for (auto& worker : all) result.rate += worker->answer();
    return result;
}

int measure() {
    std::vector<double> lost, cores, rates, differences, shares;
    for (int round = 0; round < kRounds; ++round) {
        const Run steady = run(1, 2'000'000, 200'000);
        lost.push_back(static_cast<double>(steady.lost));
        cores.push_back(steady.cores);
        const Run flood = run(2, 1'000'000, 0);
        rates.push_back(flood.rate);
        differences.push_back(static_cast<double>(flood.emitted) -
                              static_cast<double>(flood.received + flood.lost));
        shares.push_back(100 * static_cast<double>(flood.lost) / static_cast<double>(flood.emitted));
        std::fprintf(stderr, "     200,000/s: %.0f/s, %llu lost, %.2f cores; flood: %.0f/s, %llu of %llu lost\n",
                     steady.rate, static_cast<unsigned long long>(steady.lost), steady.cores, flood.rate,
                     static_cast<unsigned long long>(flood.lost),
                     static_cast<unsigned long long>(flood.emitted));
    }
    char says[160];
    std::snprintf(says, sizeof says, "events lost of 2,000,000 at 200,000/s; %.2f cores used", median(cores));
    bool kept = print({.name = "events.steady_lost", .bar = 0, .ours = median(lost), .peer = {}, .says = says});
    std::snprintf(says, sizeof says,
                  "events neither received nor counted lost, two cores emitting %.0f/s; %.1f %% counted lost",
                  median(rates), median(shares));
    std::sort(differences.begin(), differences.end());
    kept &= print({.name = "events.flood_unaccounted",
                   .bar = 0,
                   .ours = std::max(std::abs(differences.front()), std::abs(differences.back())),
                   .peer = {},
                   .says = says});
    return kept ? 0 : 3;
}

}  // namespace
}  // namespace autotune::bench

int main(int argc, char** argv) {
    if (argc == 4 && std::strcmp(argv[1], "--work") == 0)
        return autotune::bench::work(std::atol(argv[2]), std::atof(argv[3]));
    return autotune::bench::measure();
}
