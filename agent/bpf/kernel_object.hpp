// KernelObject: the loaded BPF programs and their maps (bpf/source.bpf.c). Its files are the only ones that
// speak to libbpf for them; its log becomes one error that says what is missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/bpf/call_count.hpp"
#include "agent/bpf/tls_library.hpp"
#include "bpf/wire.h"
#include "core/event_source.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune {

// What to watch, as the kernel side takes it.
struct Watch {
    // Cgroups with all below, processes with all their descendants. Without either: executors that show
    // themselves.
    std::vector<CgroupId> roots;
    std::vector<std::int32_t> processes;
    std::vector<std::int32_t> new_processes;  // of these, those not yet watched
    // Of the cgroups watched already, those still wanted; nullopt: all.
    std::optional<std::vector<CgroupId>> keep;
};

// What to tell of it.
struct Telling {
    bool io = true;
    bool waits = false;
    SyscallDetail syscalls = SyscallDetail::none;
    ShedDetail shed;
    bool operator==(const Telling&) const = default;
};

class KernelObject {
public:
    // Errors: permission_denied, unsupported.
    static Result<KernelObject> load(std::size_t ring_bytes);
    ~KernelObject();
    KernelObject(KernelObject&&) noexcept;
    KernelObject& operator=(KernelObject&&) noexcept;

    Status attach();
    void detach();  // what is in the ring stays there
    // OpenSSL's functions in one file. REQUIRES: attached; not probed yet.
    Status probe_tls(const std::string& path, const TlsSites& sites);
    // Processes that run now, as at_existing_record, one after the other.
    [[nodiscard]] Result<std::vector<std::byte>> existing_processes();
    // An executor that ran before us, and the port of its Runtime API.
    struct Executor {
        std::int32_t pid = 0;
        std::uint16_t port = 0;
    };
    // What they wait for on their connections to it is heard when it comes. REQUIRES: attached, their threads are known
    // (existing_processes() since they are watched).
    Status take_up(std::span<const Executor> executors);
    // CPU time of watched threads goes to their scopes, while causes are shed and context switches do not see to that: to
    // be called once a second. Without effect otherwise.
    Status settle();
    [[nodiscard]] bool can_settle_apart() const;  // from Linux 6.3 on
    // Watched threads, as at_thread_times_record.
    [[nodiscard]] Result<std::vector<std::byte>> thread_times();

    Status watch(const Watch& wish);
    Status tell(const Telling& what);
    Status watch_cgroup(CgroupId cgroup);  // beside the wish
    // Processes of the wish and their descendants that have not ended.
    [[nodiscard]] std::vector<std::int32_t> watched_processes() const;
    [[nodiscard]] bool watches_a_process() const;
    void forget_process(std::int32_t pid);

    // Sleeps until an urgent record is there or the time is over. Errors: internal.
    Status wait(Nanos time);
    // Hands over the records that are there, at most `most` of them. The bytes are valid in the call only.
    Result<std::size_t> drain(const std::function<void(std::span<const std::byte>)>& take, std::size_t most);

    [[nodiscard]] std::vector<at_counts> counts() const;  // per CPU
    [[nodiscard]] std::vector<CallCount> call_counts() const;
    void forget_call_counts(const ProcessId& process);  // that has ended
    Status measure_run_time();                          // as long as this object lives
    [[nodiscard]] double run_seconds() const;
    [[nodiscard]] int tracked_cgroups_fd() const;
    [[nodiscard]] int tracked_processes_fd() const;
    [[nodiscard]] const std::vector<std::string>& missing() const;  // for people

private:
    Status watch_process(std::int32_t pid);
    class Impl;
    explicit KernelObject(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune
