// The sampler's records (bpf/sampler_wire.h) as values: bytes in, checked; numbers of processes and addresses resolved
// by what was told before, nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "agent/symbols/symbolizer.hpp"
#include "agent/symbols/told_numbers.hpp"
#include "bpf/sampler_wire.h"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::symbols {

struct RecordOrigin {
    Timestamp at;
    ProcessId process;
    ThreadId thread{};
    CgroupId cgroup{};
};

// A stack as it was taken, told once, and its number.
struct SampleRecord {
    RecordOrigin from;
    std::uint32_t number = 0;
    bool is_tick = false;  // also a sample, of AT_SAMPLE_TICK
    std::optional<std::uint16_t> full_epoch;  // its addresses found no numbers: there are no more in that epoch
    at_python_result python_result = AT_PYTHON_NONE;
    at_native_result native_result = AT_NATIVE_POINTERS;
    bool copied = false;                  // the stack is in the ring stack_copies, for us to walk
    std::vector<at_python_frame> python;  // innermost first
    std::vector<std::uint64_t> native;    // the instruction, then return addresses
    std::vector<std::uint64_t> kernel;    // innermost first; return addresses but for a tick's first
};

// Time or memory at a stack.
struct WeightRecord {
    RecordOrigin from;
    at_sample_of of = AT_SAMPLE_TICK;
    std::uint32_t stack = 0;   // number of a SampleRecord; at_no_stack
    std::uint64_t weight = 0;  // ns or bytes, by `of`
};

struct ExecRecord {
    RecordOrigin from;
    Program program;
};

// What was only told to be referred to.
struct Noted {};

using SamplerRecord = std::variant<Noted, WeightRecord, SampleRecord, ExecRecord>;

// Takes from `told`, and adds to it. Errors: corrupt, also of a record that refers to what nobody told.
[[nodiscard]] Result<SamplerRecord> decode_sampler_record(std::span<const std::byte> bytes, ToldNumbers& told);

}  // namespace autotune::symbols
