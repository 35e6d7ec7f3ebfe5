// What tracing one call, entry and end, adds to a program that was built for it, in each of the two ways, with an agent
// that takes each record; beside uftrace in the best of its modes, in the same run.
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

struct Way {
    const char* name;
    std::string program;
};
const std::vector<Way> kWays = {{"native_call_instrumented", COMPILED_WORKER "_hooks"},
                                {"native_call_patchable", COMPILED_WORKER "_patchable"}};

double run(std::vector<std::string> command) {
    bench::Worker worker(command);
    worker.go();
    return worker.answer();
}

struct Seen {
    double told = 0;
    double lost = 0;
};

double ours(const std::string& program, Seen& seen) {
    const auto folder = runtime::make_ring_folder(geteuid());
    if (!folder) return 0;
    auto launch = runtime::Launch::prepare({.folder = *folder, .python = {}});
    runtime::RuntimeOptions options;
    options.folder = *folder;
    auto source = runtime::make_runtime_source(options);
    if (!launch || !source->start()) return 0;
    std::atomic<bool> over = false;
    const auto count = [&](EventBatch& batch) {
        for (const Event& event : batch.events) {
            seen.told += std::holds_alternative<CallDone>(event.body);
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
    command.push_back(program);
    const double ns = run(command);
    over = true;
    agent.join();
    std::filesystem::remove_all(*folder);
    return ns;
}

// Its modes for one program each; what it writes goes to a folder of its own. 0: it is not here, or did not work.
double uftrace(std::vector<std::string> options, const std::string& program) {
    std::string folder = "/tmp/autotune-uftrace-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return 0;
    std::vector<std::string> command = {"uftrace", "record", "--no-pager", "-d", folder + "/data"};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(program);
    const double ns = run(command);
    std::filesystem::remove_all(folder);
    return ns;
}

struct Mode {
    std::vector<std::string> options;
    std::string program;
    std::string says;
    std::vector<double> added = {};
};

std::optional<double> best(const std::vector<Mode>& modes, std::string& says) {
    double least = std::numeric_limits<double>::max();
    for (const Mode& mode : modes) {
        const double added = bench::median(mode.added);
        if (mode.added.size() != bench::kRounds || added <= 0 || added >= least) continue;
        least = added;
        says = mode.says;
    }
    return least < std::numeric_limits<double>::max() ? std::optional(least) : std::nullopt;
}

}  // namespace

int main() {
    std::vector<Mode> modes = {{{"--no-event", "--no-libcall", "-b", "64M"}, kWays[0].program, "-finstrument-functions"},
                               {{"--no-event", "--no-libcall", "-b", "64M", "-P", "."}, kWays[1].program, "patchable entries"},
                               {{"--no-event", "--no-libcall", "-b", "64M"}, kProfiled, "-pg"}};
    std::vector<std::vector<double>> added(kWays.size());
    std::vector<Seen> seen(kWays.size());
    for (int round = 0; round < bench::kRounds; ++round) {
        const double without = run({kPlain});
        for (std::size_t i = 0; i < kWays.size(); ++i) {
            const double ns = ours(kWays[i].program, seen[i]);
            if (ns == 0) return 1;
            added[i].push_back(ns - without);
        }
        for (Mode& mode : modes)
            if (const double ns = uftrace(mode.options, mode.program); ns > 0) mode.added.push_back(ns - without);
    }
    std::string peer_says;
    const std::optional<double> peer = best(modes, peer_says);
    if (!peer) std::fprintf(stderr, "no peer: uftrace is not installed, or may not trace here\n");
    bool kept = true, exact = true;
    for (std::size_t i = 0; i < kWays.size(); ++i) {
        char says[256];
        std::snprintf(says, sizeof says, "ns added a call, entry and end, a record each: %.0f of %.0f told, %.0f lost; peer: uftrace%s%s",
                      seen[i].told, bench::kRounds * kCalls, seen[i].lost, peer ? ", " : " (not here)", peer_says.c_str());
        kept &= bench::print({.name = kWays[i].name, .bar = kBar, .ours = bench::median(added[i]), .peer = peer, .says = says});
        exact &= seen[i].told + seen[i].lost == bench::kRounds * kCalls;
    }
    if (!exact) return std::fprintf(stderr, "told and lost are not what was called\n"), 1;
    return kept ? 0 : 3;
}
