// FrameBook: functions of a plan as frames of a batch's tables, looked up when they are first seen. One
// thread.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "agent/native/probe_plan.hpp"
#include "agent/native/source_lines.hpp"
#include "core/tables.hpp"

namespace autotune::native {

class FrameBook {
public:
    explicit FrameBook(const ProbePlan& plan) : plan_(plan) {}

    // The unknown frame for an index that is none. Ids are of one pair of tables, always the same.
    FrameId frame(std::uint32_t function, Tables& tables);

private:
    const ProbePlan& plan_;
    std::map<std::size_t, SourceLines> lines_;  // by program
    std::vector<FrameId> known_;
};

// A value as people read it. Pure.
[[nodiscard]] std::string format_value(const PlannedValue& value, const at_native_value& seen);

}  // namespace autotune::native
