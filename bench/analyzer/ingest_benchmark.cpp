// How many events a second one core takes in. Batches as a poll gives them (10 ms of events, slightly out
// of order), sandboxes with keep-alive connections, one invocation each 5 ms.
#include <benchmark/benchmark.h>

#include <random>
#include <utility>

#include "analyzer/analyzer.hpp"

namespace autotune {
namespace {

using namespace std::chrono_literals;

constexpr int kSandboxes = 16;

// Makes the events of one poll after another.
class Load {
public:
    explicit Load(int io_per_poll) : io_per_poll_(io_per_poll) {
        for (int i = 0; i < kSandboxes; ++i) {
            push(i, ProcessStarted{1, text("python3"), {}});
            push(i, ExecutorSeen{text("function" + std::to_string(i % 4)), text("1"), {}, 128});
            push(i, InvocationStarted{.id = "first"});
        }
    }

    void next_poll() {
        batch_.events.clear();
        const Timestamp begin = now_;
        for (int i = 0; i < io_per_poll_; ++i) {
            now_ = begin + 10ms * i / io_per_poll_ - Nanos(random_() % 20'000);
            const auto sandbox = static_cast<int>(random_() % kSandboxes);
            const auto fd = static_cast<std::int32_t>(5 + random_() % 3);
            IoDone io{
                .op = random_() % 2 ? IoOp::send : IoOp::receive, .fd = fd, .result = 700, .latency = 20us};
            io.local = ipv4_endpoint(10, 0, 0, 1, static_cast<std::uint16_t>(40'000 + fd));
            io.peer = ipv4_endpoint(10, 0, 0, 9, static_cast<std::uint16_t>(5'000 + fd));
            push(sandbox, io);
        }
        now_ = begin + 10ms;
        const auto done = static_cast<int>(polls_++ % kSandboxes);
        push(done, InvocationEnded{.id = "first"});
        push(done, InvocationStarted{.id = "first"});
    }

    [[nodiscard]] const EventBatch& batch() const { return batch_; }
    [[nodiscard]] Instant now() const { return {now_, WallTime(now_.time_since_epoch())}; }

private:
    void push(int sandbox, EventBody body) {
        const ProcessId process{1'000 + sandbox, 1};
        batch_.events.push_back({now_, process, ThreadId(1'000 + sandbox),
                                 CgroupId(100 + static_cast<std::uint64_t>(sandbox)), Backend::replay, body});
    }
    StringId text(std::string_view s) { return batch_.tables.strings.intern(s); }

    int io_per_poll_;
    std::uint64_t polls_ = 0;
    EventBatch batch_;
    Timestamp now_{1s};
    std::mt19937 random_{1};
};

void ingest_io(benchmark::State& state) {
    Load load(static_cast<int>(state.range(0)));
    Analyzer analyzer;
    analyzer.ingest(load.batch(), load.now());
    std::int64_t events = 0;
    for (auto _ : state) {
        state.PauseTiming();
        load.next_poll();
        events += static_cast<std::int64_t>(load.batch().events.size());
        state.ResumeTiming();
        analyzer.ingest(load.batch(), load.now());
        benchmark::DoNotOptimize(analyzer.take_finished());
    }
    state.SetItemsProcessed(events);
}
BENCHMARK(ingest_io)->Arg(1'000)->Arg(20'000)->Unit(benchmark::kMicrosecond);

void facts_of_a_window(benchmark::State& state) {
    Load load(16);
    Analyzer analyzer;
    for (int i = 0; i < 40'000; ++i, load.next_poll()) {
        analyzer.ingest(load.batch(), load.now());
        (void)analyzer.take_finished();
    }
    for (auto _ : state) benchmark::DoNotOptimize(analyzer.facts(15min, load.now().at));
    state.counters["records"] = static_cast<double>(analyzer.counters().invocations);
}
BENCHMARK(facts_of_a_window)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace autotune
