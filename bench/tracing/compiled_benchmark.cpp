// What tracing one call, entry and end, adds to a program that was built for it, in each of the two ways: with an agent
// that takes a record of each call, and with exact sums a function only; beside uftrace, which records each, in the best of
// its modes, in the same run.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/runtime/launch.hpp"
#include "agent/runtime/runtime_source.hpp"
#include "bench/tracing/rows.hpp"
#include "bench/tracing/traced_worker.hpp"

namespace {

using namespace autotune;

constexpr double kBar = 40;                 // ns added a call
constexpr double kCalls = 51 * 10'000;      // of a run

const std::string kPlain = COMPILED_WORKER "_plain";
const std::string kProfiled = COMPILED_WORKER "_profiled";  // -pg, what uftrace likes best

const std::string kHooks = COMPILED_WORKER "_hooks";
const std::string kPatchable = COMPILED_WORKER "_patchable";

struct Way {
    const char* name;
    std::string program;
    runtime::CallDetail calls;
    const char* pause_ms = "0";  // after every 10,000 calls
};
// Without a pause records come faster than anybody reads them, each into memory that the kernel has to find first; with
// one the ring's chunks come back, and are written again.
const std::vector<Way> kWays = {{"native_call_instrumented", kHooks, runtime::CallDetail::each, "10"},
                                {"native_call_instrumented_burst", kHooks, runtime::CallDetail::each},
                                {"native_call_instrumented_sums", kHooks, runtime::CallDetail::totals},
                                {"native_call_patchable", kPatchable, runtime::CallDetail::each, "10"},
                                {"native_call_patchable_burst", kPatchable, runtime::CallDetail::each},
                                {"native_call_patchable_sums", kPatchable, runtime::CallDetail::totals}};

double run(std::vector<std::string> command) {
    bench::Worker worker(command);
    worker.go();
    return worker.answer();
}

struct Seen {
    double told = 0;    // singly
    double summed = 0;  // calls in the exact sums
    double lost = 0;
};

double ours(const Way& way, Seen& seen) {
    const auto folder = runtime::make_ring_folder(geteuid());
    if (!folder) return 0;
    auto launch = runtime::Launch::prepare({.folder = folder->path(), .python = {}});
    runtime::RuntimeOptions options;
    options.folder = folder->path();
    options.calls = way.calls;
    auto source = runtime::make_runtime_source(options);
    if (!launch || !source->start()) return 0;
    std::atomic<bool> over = false;
    const auto count = [&](EventBatch& batch) {
        for (const Event& event : batch.events) {
            seen.told += std::holds_alternative<CallDone>(event.body);
            if (const auto* sums = std::get_if<CallTotals>(&event.body)) seen.summed += static_cast<double>(sums->calls);
            if (const auto* lost = std::get_if<Lost>(&event.body)) seen.lost += static_cast<double>(lost->count);
        }
        batch.events.clear();
    };
    std::thread agent([&] {
        EventBatch batch;
        while (!over) {
            if (!source->poll(std::chrono::milliseconds(2), batch)) break;
            count(batch);
        }
        (void)source->finish(batch);
        count(batch);
    });
    std::vector<std::string> command = {"/usr/bin/env"};
    command.insert(command.end(), launch->environment().begin(), launch->environment().end());
    command.insert(command.end(), {way.program, way.pause_ms});
    const double ns = run(command);
    over = true;
    agent.join();
    return ns;
}

// Its modes for one program each; what it writes goes to a folder of its own. 0: it is not here, or did not work.
double uftrace(std::vector<std::string> options, const std::string& program, const char* pause_ms) {
    std::string folder = "/tmp/autotune-uftrace-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return 0;
    std::vector<std::string> command = {"uftrace", "record", "--no-pager", "-d", folder + "/data"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {program, pause_ms});
    const double ns = run(command);
    std::filesystem::remove_all(folder);
    return ns;
}

struct Mode {
    std::vector<std::string> options;
    std::string program;
    std::string says;
    std::vector<double> added = {}, added_with_pauses = {};
};

std::optional<double> best(const std::vector<Mode>& modes, std::string& says) {
    double least = std::numeric_limits<double>::max();
    for (const Mode& mode : modes)
        for (const std::vector<double>& all : {mode.added, mode.added_with_pauses}) {
            const double added = bench::median(all);
            if (all.size() != bench::kRounds || added <= 0 || added >= least) continue;
            least = added;
            says = mode.says;
        }
    return least < std::numeric_limits<double>::max() ? std::optional(least) : std::nullopt;
}

}  // namespace

int main() {
    std::vector<Mode> modes = {{{"--no-event", "--no-libcall", "-b", "64M"}, kHooks, "-finstrument-functions"},
                               {{"--no-event", "--no-libcall", "-b", "64M", "-P", "."}, kPatchable, "patchable entries"},
                               {{"--no-event", "--no-libcall", "-b", "64M"}, kProfiled, "-pg"}};
    std::vector<std::vector<double>> added(kWays.size());
    std::vector<Seen> seen(kWays.size());
    for (int round = 0; round < bench::kRounds; ++round) {
        const double without = run({kPlain});
        for (std::size_t i = 0; i < kWays.size(); ++i) {
            const double ns = ours(kWays[i], seen[i]);
            if (ns == 0) return 1;
            added[i].push_back(ns - without);
        }
        for (Mode& mode : modes)
            for (const char* pause_ms : {"0", "10"})
                if (const double ns = uftrace(mode.options, mode.program, pause_ms); ns > 0)
                    (*pause_ms == '0' ? mode.added : mode.added_with_pauses).push_back(ns - without);
    }
    std::string peer_says;
    const std::optional<double> peer = best(modes, peer_says);
    if (!peer) std::fprintf(stderr, "no peer: uftrace is not installed, or may not trace here\n");
    bool kept = true, exact = true;
    for (std::size_t i = 0; i < kWays.size(); ++i) {
        const bool each = kWays[i].calls == runtime::CallDetail::each;
        char says[256];
        std::snprintf(says, sizeof says, "ns added a call, entry and end, %s: of %.0f calls %.0f told, %.0f lost, %.0f in sums; peer: uftrace%s%s",
                      each ? "a record each" : "sums only", bench::kRounds * kCalls, seen[i].told, seen[i].lost, seen[i].summed,
                      peer ? ", " : " (not here)", peer_says.c_str());
        kept &= bench::print({.name = kWays[i].name, .bar = kBar, .ours = bench::median(added[i]), .peer = peer, .says = says});
        exact &= seen[i].summed == bench::kRounds * kCalls && (!each || seen[i].told + seen[i].lost == bench::kRounds * kCalls);
    }
    if (!exact) return std::fprintf(stderr, "told and lost are not what was called\n"), 1;
    return kept ? 0 : 3;
}
