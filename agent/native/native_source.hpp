// NativeSource: exact calls of native functions by uprobes (bpf/calls.bpf.c), and values seen on the way, as
// Events.
//
// CallDone for each call while the ring has room, CallTotals every second and at the end, exact whatever the
// ring did; VariableSeen at most so many times a second. What is asked for is text (native_target.hpp). Whose
// calls: focus(); with neither processes nor cgroups everybody's.
//
// Durations are without what the probes add; how much that is was measured with empty functions when the
// source started (health().biases). Return probes are not used where they would harm (return_probes.hpp): there
// each exit of a function is probed. Not seen: calls the compiler inlined; calls deeper than 64 traced ones
// are counted, untimed. A C library without unwinding tables of its own whose callbacks throw through it must
// not be probed.
//
// Needs what BpfSource needs. One thread uses it at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/native/calibration.hpp"
#include "core/event_source.hpp"
#include "core/result.hpp"

namespace autotune::native {

struct NativeSourceOptions {
    std::vector<std::string> functions;   // BIN:GLOB, BIN:GLOB(arg1, …), BIN:FILE:LINE
    std::vector<std::string> watches;     // BIN:GLOB EXPRESSION, …
    std::optional<std::int32_t> process;  // whose libraries are meant
    std::uint32_t values_per_second = 100;
    std::size_t ring_bytes = 8u << 20;
};

struct NativeHealth {
    bool attached = false;
    AttachMethod method{};
    std::size_t functions = 0;
    Calibration biases;
    std::uint64_t records_attempted = 0;
    std::uint64_t records_received = 0;
    std::array<std::uint64_t, kLossKindCount> lost{};  // by LossKind
    std::uint64_t untimed = 0;                         // calls too deep
    std::vector<std::string> missing;                  // for people
};

class NativeSource final : public EventSource {
public:
    ~NativeSource() override;
    Status start() override;
    Status focus(const Detail& detail) override;
    // Ended: processes were asked for, no cgroups, and all of them have ended.
    Result<Poll> poll(Nanos wait, EventBatch& batch) override;
    Status finish(EventBatch& batch) override;
    [[nodiscard]] NativeHealth health() const;

private:
    friend Result<std::unique_ptr<NativeSource>> make_native_source(const NativeSourceOptions&);
    class Impl;
    explicit NativeSource(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Finds the functions, loads the programs and calibrates; start() attaches. Errors, one line for people each:
// invalid_argument (also of a file for another machine), not_found with the nearest names, corrupt, io; and, when
// nothing is wrong with what is asked for, permission_denied and unsupported.
[[nodiscard]] Result<std::unique_ptr<NativeSource>> make_native_source(const NativeSourceOptions& options);

}  // namespace autotune::native
