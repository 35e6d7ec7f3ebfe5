// What tracing one native call, entry and end, adds, beside bpftrace on the same function: one built for CET, one that
// begins with a push, one that begins with a five-byte nop.
#include "bench/tracing/native_traced.hpp"
#include "bench/tracing/rows.hpp"

namespace {

using namespace autotune;

const std::string kWorker = NATIVE_WORKER;

double first_number(const std::string& path) {
    const std::vector<double> said = bench::take_numbers(path);
    return said.empty() ? 0 : said.front();
}

class Site {
public:
    Site(std::string kind, const std::string& answer)
        : kind_(std::move(kind)), answer_(answer), command_(kWorker + " " + answer + " " + kind_) {}

    double plain() {
        bench::Worker worker({kWorker, answer_, kind_});
        worker.go();
        worker.answer();
        return first_number(answer_);
    }
    double ours() {
        bench::trace_native(kWorker + ":worker_" + kind_, command_);
        return first_number(answer_);
    }
    double bpftrace() {
        const std::string place = kWorker + ":worker_" + kind_;
        bench::Worker worker({"bpftrace", "-c", command_, "-e",
                              "uprobe:" + place + " { @s[tid] = nsecs } uretprobe:" + place +
                                  " { @t = sum(nsecs - @s[tid]); delete(@s[tid]) }"});
        worker.go();
        worker.answer();
        return first_number(answer_);
    }

private:
    std::string kind_, answer_, command_;
};

bool compare(const std::string& kind, double of_theirs) {
    const bench::AnswerFile answer;
    Site site(kind, answer.path());
    std::vector<double> we, peer;
    for (int i = 0; i < bench::kRounds; ++i) {
        const double without = site.plain();
        we.push_back(site.ours() - without);
        peer.push_back(site.bpftrace() - without);
    }
    const double theirs = bench::median(peer);
    return bench::print({.name = "native_call_" + kind,
                         .bar = theirs * of_theirs,
                         .ours = bench::median(we),
                         .peer = theirs,
                         .says = "ns a call, entry and end, sums and a record each; peer: bpftrace, sums only"});
}

}  // namespace

int main() {
    bool kept = compare("cet", 0.2);
    kept &= compare("push", 1);
    kept &= compare("nop", 1);
    return kept ? 0 : 3;
}
