// A Trace for people and for programs. Pure: the same trace gives the same bytes.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

#include "core/tables.hpp"
#include "core/trace.hpp"
#include "exporters/render/style.hpp"

namespace autotune::render {

// Everything that a report is made of. `tables`: those of the batches the trace was made from.
struct TraceReport {
    const Trace& trace;
    const Tables& tables;
    const TraceSetting& setting;
};

struct TraceTextOptions {
    Style style;
    std::size_t invocations = 10;  // trees of at most so many, the slowest; the others are counted
    std::size_t rows = 20;         // of each table
};

// A tree per invocation or process, then sums.
void trace_text(std::ostream& out, const TraceReport& report, const TraceTextOptions& options);

// One object, one line: docs/tracing.md has its members.
void trace_json(std::ostream& out, const TraceReport& report);

}  // namespace autotune::render
