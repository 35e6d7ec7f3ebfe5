// ProbePlan: from what somebody asked for to places in files. Reads files, attaches nothing. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/native/calibration.hpp"
#include "agent/native/native_target.hpp"
#include "agent/native/program_file.hpp"
#include "bpf/calls_wire.h"

namespace autotune::native {

struct PlannedValue {
    ValueWish wish;
    at_native_wish kernel{};
    bool is_signed = true;
};

// One function, or for a watch one place, by its index.
struct PlannedFunction {
    std::size_t program = 0;    // in ProbePlan::programs
    std::uint64_t address = 0;  // the file's own, of the function or the line
    std::string_view name;      // linkage name; lives as long as the plan
    SiteKind site{};
    EndSeenBy end{};
    bool only_values = false;
    std::uint32_t first_value = 0;
    std::uint32_t value_count = 0;
};

struct ProbePlan {
    std::vector<std::unique_ptr<ProgramFile>> programs;
    std::vector<PlannedFunction> functions;
    std::vector<PlannedValue> values;
    std::vector<ProbeSet> probes;
    std::vector<std::string> remarks;  // what of it cannot be traced, for people
};

struct PlanRequest {
    std::vector<std::string> functions;  // native_target.hpp
    std::vector<std::string> watches;
    std::optional<std::int32_t> process;  // names of libraries are those that it has mapped
    std::uint32_t values_per_second = 100;
};

// The file that a name means: a path as the process sees it; what the process has mapped under that name, a
// library of the system, or a program on PATH. Errors: not_found.
[[nodiscard]] Result<std::string> find_binary(std::string_view name, std::optional<std::int32_t> process);

// Errors: invalid_argument, not_found (with the nearest names), permission_denied, corrupt, unsupported.
[[nodiscard]] Result<ProbePlan> plan_probes(const PlanRequest& request);

}  // namespace autotune::native
