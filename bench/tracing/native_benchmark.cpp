// What tracing one native call, entry and end, adds on a binary built for CET, beside bpftrace on the same function.
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "agent/native/native_source.hpp"
#include "bench/tracing/rows.hpp"
#include "bench/tracing/traced_worker.hpp"

namespace {

using namespace autotune;

const std::string kWorker = NATIVE_WORKER;

double said(const std::string& path) {
    double ns = 0;
    std::ifstream(path) >> ns;
    std::ofstream(path, std::ios::trunc).close();
    return ns;
}

double plain(const std::string& answer) {
    bench::Worker worker({kWorker, answer});
    worker.go();
    worker.answer();
    return said(answer);
}

double ours(const std::string& answer) {
    auto made = native::make_native_source({.functions = {kWorker + ":worker_function"}});
    if (!made) return 0;
    native::NativeSource& source = **made;
    // The shell waits for our go.
    bench::Worker worker({"/bin/sh", "-c", "read go; exec " + kWorker + " " + answer});
    if (!source.focus({.processes = {worker.pid()}}) || !source.start()) return 0;
    worker.go();
    EventBatch batch;
    while (!worker.has_ended()) {
        if (!source.poll(Nanos(10'000'000), batch)) return 0;
        batch.events.clear();
    }
    return said(answer);
}

double bpftrace(const std::string& answer) {
    const std::string place = kWorker + ":worker_function";
    bench::Worker worker({"bpftrace", "-c", kWorker + " " + answer, "-e",
                          "uprobe:" + place + " { @s[tid] = nsecs } uretprobe:" + place +
                              " { @t = sum(nsecs - @s[tid]); delete(@s[tid]) }"});
    worker.go();
    worker.answer();
    return said(answer);
}

}  // namespace

int main() {
    char answer[] = "/tmp/autotune-native-XXXXXX";
    if (const int fd = mkstemp(answer); fd < 0 || close(fd) != 0) return 1;
    std::vector<double> we, peer;
    for (int i = 0; i < bench::kRounds; ++i) {
        const double without = plain(answer);
        we.push_back(ours(answer) - without);
        peer.push_back(bpftrace(answer) - without);
    }
    unlink(answer);
    const double theirs = bench::median(peer);
    return bench::print({.name = "native_call_cet",
                         .bar = theirs / 5,
                         .ours = bench::median(we),
                         .peer = theirs,
                         .says = "ns a call, entry and end, sums and a record each; peer: bpftrace, sums only"})
               ? 0
               : 1;
}
