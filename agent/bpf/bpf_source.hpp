// BpfSource: what watched processes do, told by the kernel's tracepoints (bpf/source.bpf.c), as Events.
//
// Processes, executors and their invocations (heard in the Runtime API traffic), socket and file I/O, CPU
// and memory at the boundaries, OOM kills, losses. Which processes: those in the cgroups that focus()
// names, and those it names with all that they start; with none named, those in cgroups where somebody asks
// for an invocation. Never this process.
//
// Event::cgroup is the scope: the cgroup, or for processes that were named, a number of the tree's own
// (bpf/wire.h), so that each tree is accounted by itself whatever cgroup it is in. Memory is always the
// memory cgroup's.
//
// A thread's time is accounted by the kernel's own sums, its waits by the system call it slept in
// (bpf/logic/off_cpu.h): on-CPU time and waits always make up the wall clock.
//
// A request whose bytes are not in memory when the call begins (a constant of the program, sent for the first
// time) is read when it has ended, and told with the time and the usage of its beginning.
//
// What a thread waited in select, poll or epoll_wait is part of the latency of the first receive, send or accept on
// a descriptor that was reported (of the first 32 of a poll, 16 events of an epoll_wait); a poll of one descriptor
// that waited in vain is told as a receive that failed with ETIMEDOUT. Bytes that go from one descriptor to
// another within the kernel (sendfile, splice, …) are told at both ends.
//
// HTTP/1.x exchanges are heard on stream sockets, also Unix ones, whatever the port (agent/bpf/http_conversation.hpp):
// messages whose first bytes begin a transfer of 8 bytes at least. Not on descriptors that were duplicated, nor of
// connections that two processes share.
//
// So are those inside TLS by OpenSSL (agent/bpf/tls_probes.hpp), in plain text: in what is mapped by processes that
// are watched; and in the system's own libssl as soon as somebody is named. Bytes of IoDone are those on the wire.
//
// Counted, but not looked into (NotDecoded): connections in HTTP/2, what goes through io_uring (but for what its kernel thread takes by
// itself) and asynchronous I/O, 32-bit programs on a 64-bit kernel. Names come from DNS answers that one receive
// brought in plain text. Trouble is told of TCP connections that were made while the source ran.
//
// System calls, when they are asked for: those that return, of threads that were in a watched scope when they made
// their last call on a descriptor (or were born in it).
//
// Not seen: what is read and written through mapped memory (the mapping is); requests to the Runtime API whose
// first send (or its first buffer) has fewer than 8 bytes or ends within an invocation's id.
//
// Needs CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH (root), BTF and Linux 6.1.
// One thread uses it at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/tracked_maps.hpp"
#include "core/event_source.hpp"
#include "core/result.hpp"

namespace autotune {

enum class RunTimeStatistics : std::uint8_t {
    off,
    on,  // the kernel times every BPF program of the machine: some 30 ns a run more
};

struct BpfSourceOptions {
    std::size_t ring_bytes = 8u << 20;  // rounded up to a power of two
    RunTimeStatistics run_time = RunTimeStatistics::off;
    std::filesystem::path proc = "/proc";
};

inline constexpr std::size_t kLossKinds = static_cast<std::size_t>(LossKind::shed) + 1;

// How the source itself fares. Counts since it was made.
struct SourceHealth {
    bool attached = false;
    std::uint64_t events = 0;             // given to poll()'s callers, Lost ones apart
    std::uint64_t records_attempted = 0;  // by the kernel side
    std::uint64_t records_received = 0;
    std::array<std::uint64_t, kLossKinds> lost{};  // by LossKind
    std::vector<std::string> missing;              // what this kernel does not let us see, for people
};

class BpfSource final : public EventSource {
public:
    ~BpfSource() override;

    Status start() override;
    Status focus(const Detail& detail) override;  // errors: not_found when a cgroup or process does not exist
    // Ended: processes were asked for, no cgroups; all of them and all they started have ended, and all they
    // did was told.
    Result<Poll> poll(Nanos wait, EventBatch& batch) override;
    Status finish(EventBatch& batch) override;

    [[nodiscard]] SourceHealth health() const;
    // Time spent in our BPF programs, all CPUs; 0 unless RunTimeStatistics::on.
    [[nodiscard]] double bpf_run_seconds() const;
    // Whether shedding causes saves anything: this kernel lets context switches be looked at in brief.
    [[nodiscard]] bool can_shed_causes() const;
    [[nodiscard]] TrackedMaps tracked_maps() const;

private:
    friend Result<std::unique_ptr<BpfSource>> make_bpf_source(BpfSourceOptions);
    class Impl;
    explicit BpfSource(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Loads the programs; start() attaches them. Errors: permission_denied, unsupported, with what is missing.
[[nodiscard]] Result<std::unique_ptr<BpfSource>> make_bpf_source(BpfSourceOptions options = {});

}  // namespace autotune
