// SamplerSource: where each traced thread was on the CPU, some 99 times a second, or where it left the CPU, each time,
// as StackSample events.
//
// A perf software clock per CPU runs bpf/sampler.bpf.c: it takes the user stack of the running thread when
// its cgroup is traced, walks CPython's frames (3.8 to 3.13), and writes one record. Here records become
// events: addresses to frames by the Symbolizer, code objects to Python frames by reading the process.
//
// A stack is Python's frames with the native ones outside the interpreter between them, each at its place
// (stack_weave.hpp); without Python frames it is the native stack. `truncated` is set when the walk did not reach the
// thread's start.
//
// Off-CPU: each interval, told when it ends, and what is open at finish(); CPU and off-CPU time of a thread make up the
// wall clock from the first that was seen of it (start(), its fork) to the last (finish(), its exit), by the kernel's
// own sums. What no stack can be told of has one frame in brackets that says why.
//
// Native code is walked by its call frame information (x86-64), compiled to tables when a process is first seen; its
// first samples, and other architectures', by frame pointers, which Debian's libraries do not have.
//
// Needs CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE (root) and BTF. One thread uses it at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/symbols/debuginfod.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "agent/tracked_maps.hpp"
#include "core/event_source.hpp"
#include "core/result.hpp"

namespace autotune::symbols {

enum class SamplerMode : std::uint8_t {
    on_cpu,   // samples of `period`
    off_cpu,  // every interval
    wall,     // both; CPU samples stand for the thread's own CPU time since its last
    memory,   // every page that the kernel takes for the process: at its first touch, mostly
    growth,   // address space asked for by brk, mmap and mremap; x86-64
};

struct SamplerOptions {
    // The BPF source's; they must outlive the sampler's start(). None: the sampler decides by itself, from
    // the cgroups and processes given to focus().
    TrackedMaps tracked;
    std::uint32_t sample_hz = 99;  // per CPU; focus() changes it
    std::size_t ring_bytes = 0;    // rounded up to a power of two; 0 = about two seconds of full load
    SamplerMode mode = SamplerMode::on_cpu;
    bool kernel = false;  // with the kernel's frames
    bool run_time = false;  // for bpf_run_seconds(): the kernel times every BPF program of the machine, some 30 ns a run
};

// Counts since start.
struct SamplerHealth {
    bool attached = false;
    std::uint64_t bytes = 0;                    // of records from the kernel side
    std::uint64_t samples = 0;                  // StackSample events given
    std::uint64_t python_samples = 0;           // of them with Python frames
    std::uint64_t unresolved_code = 0;          // Python frames whose code object was gone or did not verify
    std::uint64_t copied = 0;                   // stacks that the kernel side could not walk, for want of tables, and left to us
    std::uint64_t not_copied = 0;               // stacks of which only a part is known: no room to copy them
    std::uint64_t guessed_runs = 0;             // runs of Python frames whose place among native ones is a guess
    std::uint64_t unknown_stacks = 0;           // events whose stack found no room in the ring: "[stack lost]"
    SymbolCounts symbols;
    bool hears_mappings = false;                // else a library that takes another one's place is taken for that
    std::uint64_t unwinding_refused = 0;        // files, mappings and processes without room among the unwinding tables
    std::uint64_t unwinding_damaged = 0;        // entries of call frames that could not be read
    std::vector<Fetch> fetches;                 // from debuginfods
    std::map<std::string, std::uint64_t> lost;  // records that never became events, by kind
};

class SamplerSource : public EventSource {
public:
    [[nodiscard]] virtual SamplerHealth health() const = 0;
    // Reads now what the stacks of that process need, which otherwise its first samples make us do: they are whole then.
    // REQUIRES: started.
    virtual void expect(const ProcessId& process) = 0;
    // Readable when what has come should be polled now. -1: not started.
    [[nodiscard]] virtual int ready_fd() const = 0;
    // How long all else that comes may lie until it is polled: until a process whose memory its names are read from
    // may have ended, or a ring may be full.
    [[nodiscard]] virtual Nanos patience() const = 0;
    // Run time of the programs; 0: nobody enabled the statistics.
    [[nodiscard]] virtual double bpf_run_seconds() const = 0;
};

// Nothing is loaded before start(). start() errors: permission_denied, unsupported.
[[nodiscard]] Result<std::unique_ptr<SamplerSource>> make_sampler_source(const SamplerOptions& options);

}  // namespace autotune::symbols
