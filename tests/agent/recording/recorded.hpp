// A batch with one event of every kind, and files of such batches.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "agent/recording/event_codec.hpp"
#include "agent/recording/writer.hpp"
#include "core/event.hpp"

namespace autotune::recording::testing {

template <std::size_t... I>
void push_every_kind(EventBatch& batch, std::index_sequence<I...>) {
    (batch.events.push_back({.at = from_ns(1'000'000'000 + std::int64_t{I}),
                             .process = {100 + static_cast<int>(I % 3), 77},
                             .thread = ThreadId(100),
                             .cgroup = CgroupId(5),
                             .by = Backend::bpf,
                             .body = EventBody(std::in_place_index<I>)}),
     ...);
}

// One of every kind, members at their defaults, and some with values at the ends of their ranges.
inline void fill(EventBatch& batch) {
    push_every_kind(batch, std::make_index_sequence<std::variant_size_v<EventBody>>{});
    Tables& tables = batch.tables;
    const StringId name = tables.strings.intern("handler"), file = tables.strings.intern("/app/handler.py");
    const FrameId frame = tables.frames.intern({.name = name, .file = file, .line = 42, .kind = FrameKind::python});
    const StackId stack = tables.stacks.intern(std::vector<FrameId>{frame, FrameId(0), frame});
    const Event owner{.at = from_ns(900), .process = {-1, ~0ULL}, .thread = ThreadId(-7), .cgroup = CgroupId(~0ULL),
                      .by = Backend::runtime, .body = {}};
    const auto push = [&](EventBody body) {
        batch.events.push_back(owner);
        batch.events.back().body = body;
    };
    push(CallDone{.function = frame, .depth = 3, .how = CallEnd::raised, .duration = Nanos(-5), .bias = Nanos::max()});
    push(OffCpu{.duration = Nanos(1), .cause = WaitCause::run_queue, .stack = stack});
    push(IoDone{.op = IoOp::receive, .fd = -100, .result = -104, .latency = Nanos::min(), .path = file,
                .peer = ipv4_endpoint(10, 0, 0, 7, 443), .blocking_wait = true});
    push(SyscallDone{.number = 257, .result = INT64_MIN, .arguments = {1, 2, 3, 4, 5, ~0ULL}});
    push(ThreadTimes{.wall = Nanos(9), .off_cpu = {Nanos(1), Nanos(2), Nanos(3), Nanos(4), Nanos(5), Nanos(6), Nanos(7)}});
    push(InvocationStarted{.id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd", .function = name});
    push(HttpDone{.side = Side::server, .tls = true, .status = 599, .method = name, .path = file});
}

class Scratch {
public:
    Scratch() : folder_(std::filesystem::temp_directory_path() /
                        ("autotune-recording-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(folder_);
    }
    ~Scratch() { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::filesystem::path operator/(const char* name) const { return folder_ / name; }

private:
    std::filesystem::path folder_;
};

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The bytes of all events: two lists are equal when these are.
inline std::string encoded(const std::vector<Event>& events) {
    Encoder out;
    put_events(out, events);
    return std::string(out.bytes());
}

}  // namespace autotune::recording::testing
