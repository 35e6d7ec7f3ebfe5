// What the BPF source tells of a process and all that it starts, as sums for foreign_test.py.
//
// usage: io_sums PID
// Says "ready" once it traces; then answers each byte of its input with one line of JSON:
//   {"lost":N,"threads":[{"pid","tid","program","op","calls","bytes","failures"},…],
//    "connections":[{"pid","local","peer","sent","received"},…],
//    "http":[{"pid","side","tls","method","path","status","host","trace_context","request","response",
//             "latency_ns","duration_ns","local","peer"},…],
//    "not_decoded":{WHAT:N,…}}
// `program` counts the execs of the process so far: sums begin anew with each.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "agent/bpf/bpf_source.hpp"

namespace autotune {
namespace {

constexpr std::array kOps{"connect", "accept", "send",   "receive", "open",   "read", "write", "sync",
                          "close",   "map",    "list",   "mkdir",   "remove", "rename", "link", "resize"};

struct Sum {
    std::uint64_t calls = 0, bytes = 0, failures = 0;
};

class Sums {
public:
    void add(const EventBatch& batch) {
        for (const Event& event : batch.events) {
            if (const auto* started = std::get_if<ProcessStarted>(&event.body))
                if (started->executable != StringId{}) ++programs_[event.process.pid];
            if (const auto* io = std::get_if<IoDone>(&event.body)) add(event, *io);
            if (const auto* http = std::get_if<HttpDone>(&event.body)) add(event, *http, batch.tables.strings);
            if (const auto* other = std::get_if<NotDecoded>(&event.body))
                not_decoded_[std::string(batch.tables.strings[other->what])] += other->count;
            if (const auto* lost = std::get_if<Lost>(&event.body)) lost_ += lost->count;
        }
    }

    [[nodiscard]] nlohmann::json to_json() const {
        auto threads = nlohmann::json::array(), connections = nlohmann::json::array();
        for (const auto& [key, sum] : threads_)
            threads.push_back({{"pid", std::get<0>(key)},
                               {"tid", std::get<1>(key)},
                               {"program", std::get<2>(key)},
                               {"op", kOps[std::get<3>(key)]},
                               {"calls", sum.calls},
                               {"bytes", sum.bytes},
                               {"failures", sum.failures}});
        for (const auto& [key, bytes] : connections_)
            connections.push_back({{"pid", std::get<0>(key)},
                                   {"local", to_string(std::get<1>(key))},
                                   {"peer", to_string(std::get<2>(key))},
                                   {"sent", bytes.first},
                                   {"received", bytes.second}});
        return {{"lost", lost_}, {"threads", threads}, {"connections", connections}, {"http", http_},
                {"not_decoded", not_decoded_}};
    }

private:
    void add(const Event& event, const IoDone& io) {
        const auto pid = event.process.pid;
        Sum& sum = threads_[{pid, static_cast<int>(event.thread), programs_[pid], static_cast<std::size_t>(io.op)}];
        if (io.result < 0) {
            ++sum.failures;
            return;
        }
        ++sum.calls;
        sum.bytes += static_cast<std::uint64_t>(io.result);
        if (io.op != IoOp::send && io.op != IoOp::receive) return;
        auto& [sent, received] = connections_[{pid, io.local, io.peer}];
        (io.op == IoOp::send ? sent : received) += static_cast<std::uint64_t>(io.result);
    }

    void add(const Event& event, const HttpDone& http, const StringTable& strings) {
        http_.push_back({{"pid", event.process.pid},
                         {"side", http.side == Side::client ? "client" : "server"},
                         {"tls", http.tls},
                         {"method", strings[http.method]},
                         {"path", strings[http.path]},
                         {"status", http.status},
                         {"host", strings[http.host]},
                         {"trace_context", strings[http.trace_context]},
                         {"request", http.request_bytes},
                         {"response", http.response_bytes},
                         {"latency_ns", http.latency.count()},
                         {"duration_ns", http.duration.count()},
                         {"local", to_string(http.local)},
                         {"peer", to_string(http.peer)}});
    }

    std::map<std::string, std::uint64_t> not_decoded_;
    nlohmann::json http_ = nlohmann::json::array();
    std::map<std::int32_t, int> programs_;
    std::map<std::tuple<std::int32_t, int, int, std::size_t>, Sum> threads_;
    std::map<std::tuple<std::int32_t, Endpoint, Endpoint>, std::pair<std::uint64_t, std::uint64_t>> connections_;
    std::uint64_t lost_ = 0;
};

int fail(const Error& error) {
    std::cerr << error.message << '\n';
    return 1;
}

int run(std::int32_t pid) {
    auto source = make_bpf_source();
    if (!source) return fail(source.error());
    Detail detail;
    detail.processes = {pid};
    if (auto s = (*source)->focus(detail); !s) return fail(s.error());
    if (auto s = (*source)->start(); !s) return fail(s.error());
    Sums sums;
    EventBatch batch;
    std::cout << "ready" << std::endl;
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    for (;;) {
        batch.events.clear();
        const auto polled = (*source)->poll(std::chrono::milliseconds(20), batch);
        if (!polled) return fail(polled.error());
        sums.add(batch);
        // All that ended before the question is in the ring: it is answered when nothing comes any more.
        if (!batch.events.empty() || poll(&input, 1, 0) == 0) continue;
        char line = 0;
        if (read(STDIN_FILENO, &line, 1) != 1) break;
        std::cout << sums.to_json().dump() << std::endl;
    }
    return 0;
}

}  // namespace
}  // namespace autotune

int main(int argc, char** argv) { return argc == 2 ? autotune::run(std::atoi(argv[1])) : 2; }
