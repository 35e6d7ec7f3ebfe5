// What tracing adds to a system call that does nothing: each told with latency and record, and only counted; strace -c
// and perf trace -s beside it. And to a send or receive of a few bytes on a TCP connection, told as I/O; perf trace
// beside it, too.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>
#include <ctime>

#include "agent/bpf/bpf_source.hpp"
#include "bench/tracing/rows.hpp"
#include "bench/tracing/traced_worker.hpp"

namespace autotune::bench {
namespace {

constexpr int kMany = 200'000;
constexpr const char* kSockets = "--work-sockets";
constexpr int kFew = 10'000;  // for those that take microseconds

double now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// In pieces: the median of them is that of an undisturbed machine.
template <class Call>
int work(int calls, Call call) {
    wait_for_go();
    std::vector<double> pieces;
    for (int piece = 0; piece < 20; ++piece) {
        const double start = now_ns();
        for (int i = 0; i < calls / 20; ++i) call();
        pieces.push_back((now_ns() - start) / (calls / 20));
    }
    std::printf("%.1f\n", median(pieces));
    return 0;
}

int work_empty(int calls) {
    return work(calls, [] { syscall(SYS_getppid); });
}

// One end says what the other hears at once.
int work_sockets(int calls) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        connect(client, reinterpret_cast<const sockaddr*>(&address), size) != 0)
        return 1;
    const int server = accept(listener, nullptr, nullptr);
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char text[64];
    std::memset(text, 'x', sizeof text);
    bool sends = false;
    return work(calls, [&] {
        sends = !sends;
        if ((sends ? send(client, text, sizeof text, 0) : recv(server, text, sizeof text, MSG_WAITALL)) !=
            sizeof text)
            std::exit(1);
    });
}

std::vector<std::string> worker(int calls, const char* what = "--work") {
    return {"/proc/self/exe", what, std::to_string(calls)};
}

double alone(const char* what = "--work") {
    Worker w(worker(kMany, what));
    w.go();
    return w.answer();
}

// 0: records were lost.
double traced_sockets() {
    Worker w(worker(kMany, kSockets));
    auto source = make_bpf_source({.ring_bytes = 64u << 20});
    if (!source || !(*source)->focus({.processes = {w.pid()}}) || !(*source)->start()) {
        std::fprintf(stderr, "no eBPF source\n");
        std::exit(2);
    }
    w.go();
    EventBatch batch;
    std::uint64_t seen = 0;
    for (;;) {
        const auto polled = (*source)->poll(std::chrono::milliseconds(100), batch);
        for (const Event& e : batch.events)
            if (const auto* io = std::get_if<IoDone>(&e.body))
                seen += io->op == IoOp::send || io->op == IoOp::receive ? 1 : 0;
        batch.events.clear();
        if (!polled || polled->state == PollState::ended) break;
    }
    if (seen == kMany) return w.answer();
    std::fprintf(stderr, "%llu of %d transfers were seen\n", static_cast<unsigned long long>(seen), kMany);
    return 0;
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
double under(std::vector<std::string> peer, const char* what = "--work") {
    char self[4096] = {};
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 0;
    for (const std::string& a : worker(kFew, what)) peer.push_back(a == "/proc/self/exe" ? self : a);
    Worker w(peer);
    w.go();
    return w.answer();
}

int measure() {
    std::vector<double> each, counted, strace, perf, sockets, perf_sockets;
    for (int round = 0; round < kRounds; ++round) {
        const double bare = alone();
        const auto add = [&](std::vector<double>& to, double with) {
            if (with > 0) to.push_back(with - bare);
        };
        add(each, traced(SyscallDetail::each));
        add(counted, traced(SyscallDetail::counted));
        add(strace, under({"strace", "-c", "-f", "-o", "/dev/null"}));
        add(perf, under({"perf", "trace", "-s", "-o", "/dev/null"}));
        const double bare_socket = alone(kSockets);
        if (const double with = traced_sockets(); with > 0) sockets.push_back(with - bare_socket);
        if (const double with = under({"perf", "trace", "-o", "/dev/null"}, kSockets); with > 0)
            perf_sockets.push_back(with - bare_socket);
    }
    if (each.empty() || counted.empty() || sockets.empty()) return 1;
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
    kept &= print({.name = "syscalls.sockets",
                   .bar = 400,
                   .ours = median(sockets),
                   .peer = of_peer(perf_sockets),
                   .says = "ns added to a send or receive on TCP, told as I/O with addresses; peer perf trace"});
    return kept ? 0 : 3;
}

}  // namespace
}  // namespace autotune::bench

int main(int argc, char** argv) {
    using namespace autotune::bench;
    if (argc == 3 && std::strcmp(argv[1], "--work") == 0) return work_empty(std::atoi(argv[2]));
    if (argc == 3 && std::strcmp(argv[1], kSockets) == 0) return work_sockets(std::atoi(argv[2]));
    return measure();
}
