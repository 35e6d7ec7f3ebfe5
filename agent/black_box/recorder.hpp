// Recorder: writes down processes at the moment they are killed, on a thread of its own. It stops and delays nobody: what
// the kernel side tells at the kill is put together afterwards, with what was looked at before.
//
// A process is told of when it is killed by SIGKILL, by the kernel for want of memory, or by a fault of its own (SIGSEGV,
// SIGABRT, …). Memory by mapping is as it was when it was last weighed: when the memory cgroup came to 50, 70, 85, 93
// and 97 % of its limit, and `lead` before a deadline that was announced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/tracked_maps.hpp"
#include "core/black_box.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::black_box {

struct RecorderOptions {
    TrackedMaps tracked;  // of the BPF source, which must outlive it; without: see trace()
    std::string proc = "/proc";
    Nanos lead = std::chrono::milliseconds(25);
    Nanos longest_start = std::chrono::seconds(30);  // of a process, until it first receives
};

struct RecorderHealth {
    std::map<std::string, std::uint64_t> lost;  // by kind, so far
    std::uint64_t boxes = 0;
    std::uint64_t looked = 0;   // looks at what processes have mapped
    std::uint64_t weighed = 0;  // looks at memory by mapping
    double bpf_seconds = 0;  // where the kernel measures it
    bool hears_first_work = true;  // false: nothing has begun for longest_start, and receives are not looked at
};

// All calls are thread-safe.
class Recorder {
public:
    // Errors: what keeps the kernel side from being loaded.
    static Result<std::unique_ptr<Recorder>> start(RecorderOptions options);
    ~Recorder();

    // Without a source: these, and all that they start.
    Status trace(std::span<const CgroupId> roots, std::span<const std::int32_t> processes);

    // A process that runs already.
    void watch(const ProcessId& process, CgroupId cgroup);
    // It may be killed then. A later call takes the place of an earlier one.
    void expect(const ProcessId& process, Timestamp deadline);
    void expect_no_more(std::int32_t pid);
    // False: system calls are not remembered for now, to keep a budget; BlackBox::calls_given_up says so.
    Status remember_calls(bool wanted);

    // Those that are written down, each once. `wait`: at most so long, for the first.
    [[nodiscard]] std::vector<BlackBox> take(Nanos wait = Nanos(0));
    // Something is being written down, as far as was heard of it.
    [[nodiscard]] bool is_writing() const;
    [[nodiscard]] RecorderHealth health() const;

private:
    class Impl;
    explicit Recorder(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::black_box
