// What tracing every call costs a Python program: fib without, under an empty C profile hook, and under our probes
// with an agent that takes each record. One JSON line a row on stdout, a sentence on stderr; medians of seven, taken
// in turns. For /usr/bin/python3, and those that AUTOTUNE_PYTHONS names ("/path/a:/path/b").
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/runtime/launch.hpp"
#include "agent/runtime/runtime_source.hpp"
#include "os/file.hpp"

namespace {

using namespace autotune;

constexpr int kRounds = 7;
constexpr double kCalls = 92'735;  // of fib(23)
constexpr double kBar = 100;       // ns added a call

// Prints nanoseconds a call, the best of five.
constexpr const char* kFib = R"(
import sys, time
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
if len(sys.argv) > 1:
    import ctypes
    ctypes.PyDLL(sys.argv[1]).begin()
best = 1e9
for _ in range(5):
    begin = time.perf_counter_ns()
    fib(23)
    best = min(best, (time.perf_counter_ns() - begin) / 92735)
print(best)
)";

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

struct Output {
    std::string out;
    int status = 0;
};

Output run(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
    Pipe pipe = *make_pipe();
    const pid_t child = fork();
    if (child == 0) {
        dup2(pipe.write.get(), 1);
        for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
        std::vector<char*> arguments;
        for (const std::string& text : argv) arguments.push_back(const_cast<char*>(text.c_str()));
        arguments.push_back(nullptr);
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    pipe.write.close();
    Output output;
    char buffer[4096];
    for (ssize_t got = 0; (got = read(pipe.read.get(), buffer, sizeof buffer)) > 0;)
        output.out.append(buffer, static_cast<std::size_t>(got));
    waitpid(child, &output.status, 0);
    return output;
}

double number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

struct Seen {
    std::uint64_t records = 0;
    std::uint64_t lost = 0;
};

// fib with our probes in it, and an agent that reads along.
double traced(const std::string& python, Seen& seen) {
    const OwnedFolder owned = *runtime::make_ring_folder(geteuid());
    const std::string& folder = owned.path();
    auto launch = runtime::Launch::prepare({.folder = folder, .python = {}});
    runtime::RuntimeOptions options;
    options.folder = folder;
    auto source = runtime::make_runtime_source(options);
    if (!launch || !source->start()) return 0;
    std::atomic<bool> over = false;
    std::thread agent([&] {
        EventBatch batch;
        for (bool last = false; !last;) {
            last = over;
            for (bool more = true; more;) {
                more = source->poll(std::chrono::milliseconds(2), batch)->state == PollState::ready;
                for (const Event& event : batch.events) {
                    seen.records += std::holds_alternative<CallDone>(event.body);
                    if (const auto* lost = std::get_if<Lost>(&event.body)) seen.lost += lost->count;
                }
                batch.events.clear();
            }
        }
    });
    const double ns = number(run({python, "-c", kFib}, launch->environment()).out);
    over = true;
    agent.join();
    return ns;
}

// bpftrace with the markers that Debian's CPython has: counts only, which is the least that it can do.
double under_bpftrace(const std::string& python, std::string& counted) {
    const std::string place = "usdt:" + std::filesystem::canonical(python).string() + ":python:function__";
    const std::string program = place + "entry { @entries = count(); } " + place + "return { @returns = count(); }";
    const std::string script = std::filesystem::temp_directory_path() / ("fib-" + std::to_string(getpid()) + ".py");
    if (!replace_file(script, kFib)) return 0;
    const Output output = run({"bpftrace", "-e", program, "-c", python + " " + script}, {});
    std::filesystem::remove(script);
    std::istringstream lines(output.out);
    double ns = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("@entries")) counted = line.substr(line.find(':') + 2);
        if (ns == 0 && !line.empty() && std::isdigit(static_cast<unsigned char>(line[0]))) ns = number(line);
    }
    return ns;
}

bool print(const std::string& name, double bar, double ours, double peer, const std::string& says) {
    std::printf(R"({"name":"%s","bar":%.4g,"ours":%.4g,"peer":%.4g,"ratio":%.3g,"median_of":%d})"
                "\n",
                name.c_str(), bar, ours, peer, peer != 0 ? ours / peer : 0.0, kRounds);
    std::fflush(stdout);
    std::fprintf(stderr, "%s %s: %.1f ns added a call (bar %.0f); %s\n", ours <= bar ? "ok  " : "MISS", name.c_str(),
                 ours, bar, says.c_str());
    return ours <= bar;
}

bool measure(const std::string& python) {
    std::vector<double> plain, empty, ours;
    Seen seen;
    for (int i = 0; i < kRounds; ++i) {
        plain.push_back(number(run({python, "-c", kFib}, {}).out));
        empty.push_back(number(run({python, "-c", kFib, EMPTY_PROFILE_HOOK}, {}).out));
        ours.push_back(traced(python, seen));
    }
    std::string version = run({python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"}, {}).out;
    version.resize(version.find('\n'));
    const double untraced = median(plain), peer = median(empty) - untraced, added = median(ours) - untraced;
    char says[256];
    std::snprintf(says, sizeof says,
                  "untraced %.1f, an empty C profile hook adds %.1f; %.0f records of %.0f calls read, %.0f lost",
                  untraced, peer, static_cast<double>(seen.records), kRounds * 5 * kCalls,
                  static_cast<double>(seen.lost));
    return print("python " + version + " call, exact (fib)", std::max(kBar, 1.25 * peer), added, peer, says);
}

void beside_bpftrace(const std::string& python) {
    std::vector<double> plain, peer, ours;
    std::string counted = "0";
    Seen seen;
    for (int i = 0; i < kRounds; ++i) {
        plain.push_back(number(run({python, "-c", kFib}, {}).out));
        peer.push_back(under_bpftrace(python, counted));
        ours.push_back(traced(python, seen));
    }
    if (median(peer) == 0) {
        std::fprintf(stderr, "bpftrace is not here, or may not trace\n");
        return;
    }
    const double untraced = median(plain);
    print("python call, beside bpftrace USDT counting", kBar, median(ours) - untraced, median(peer) - untraced,
          "bpftrace counted " + counted + " of " + std::to_string(5 * static_cast<long>(kCalls)) + " calls");
}

}  // namespace

int main() {
    std::vector<std::string> pythons = {"/usr/bin/python3"};
    const char* others = std::getenv("AUTOTUNE_PYTHONS");
    std::istringstream list(others != nullptr ? others : "");
    for (std::string path; std::getline(list, path, ':');)
        if (!path.empty()) pythons.push_back(path);
    bool kept = true;
    for (const std::string& python : pythons) kept &= measure(python);
    beside_bpftrace(pythons.front());
    return kept ? 0 : 3;  // as the other benchmarks
}
