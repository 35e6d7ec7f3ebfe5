// SamplerProgram: the kernel side of the sampler, loaded and attached: libbpf behind a door. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "agent/symbols/unwind_maps.hpp"
#include "agent/tracked_maps.hpp"
#include "bpf/sampler_wire.h"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::symbols {

// What of a process's memory is told. Not together with ticks: both take stacks.
enum class MemoryKind : std::uint8_t {
    none,
    pages,    // that the kernel takes for it
    growth,   // address space that it asks for
};

struct SamplerProgramOptions {
    TrackedMaps tracked;         // none: maps of its own, see trace()
    std::size_t ring_bytes = 0;  // 0: by CPUs and rate
    std::uint32_t sample_hz = 99;
    bool times = false;        // keeps threads' times: every interval off the CPU is told
    bool exact_ticks = false;  // … and a tick stands for the thread's CPU time since its last; REQUIRES: times
    MemoryKind memory = MemoryKind::none;
    bool run_time = false;     // the kernel times every BPF program of the machine meanwhile
    bool kernel = false;       // stacks have their kernel frames
};

class SamplerProgram {
public:
    // Loads and attaches to exec, and to switches where times are kept; ticks begin with tick(). Errors:
    // permission_denied, unsupported.
    [[nodiscard]] static Result<SamplerProgram> load(const SamplerProgramOptions& options);
    ~SamplerProgram();
    SamplerProgram(SamplerProgram&&) noexcept;
    SamplerProgram& operator=(SamplerProgram&&) noexcept;

    // Samples every online CPU that often from now on; 0: none.
    Status tick(std::uint32_t hz);

    // The roots of the cgroup subtrees to trace, and the processes, with what they start from now on; only
    // with maps of its own.
    Status trace(const std::vector<CgroupId>& roots, const std::vector<std::int32_t>& processes);

    // Tells the kernel side of a CPython process.
    Status add_python(const ProcessId& process, const at_python_process& python);

    // Where the unwinding tables go; borrowed, valid as long as this object.
    [[nodiscard]] UnwindMapFds unwind_maps() const;

    using OnRecord = std::function<void(std::span<const std::byte>)>;
    // Readable when something urgent is there (an exec, a stack that could not be walked); of this object.
    [[nodiscard]] int ready_fd() const;
    // For how long the ring has room while every CPU takes so many stacks a second.
    [[nodiscard]] Nanos room_for(std::uint32_t hz) const;
    // Gives every record written so far to `on_record`, waiting at most `wait` for an urgent one.
    Status drain(Nanos wait, const OnRecord& on_record);

    // Where times are kept. meet_threads(): after trace(), so that those are known that sleep all the time.
    // close_threads(): at the end; switches are not heard from then on, what is open of each thread is given to
    // `on_record`.
    Status meet_threads();
    Status close_threads(const OnRecord& on_record);

    // Every stack copied so far (sampler_wire.h, at_stack_copy). A copy is there before the stack that it is of.
    Status drain_copies(const OnRecord& on_record);

    // Addresses get new numbers: those of `epoch` are used up. Nothing when that was done already.
    void renumber_addresses(std::uint16_t epoch);

    // Since load, over all CPUs; by at_sampler_count.
    [[nodiscard]] std::array<std::uint64_t, AT_SAMPLER_COUNTS> counts() const;
    // Run time of its programs, 0 unless somebody enabled BPF statistics; also of those that have been detached.
    [[nodiscard]] double run_seconds() const;

private:
    struct State;
    explicit SamplerProgram(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace autotune::symbols
