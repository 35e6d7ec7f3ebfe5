// The sums of a Trace as tables of text.
#pragma once

#include <cstddef>
#include <ostream>

#include "exporters/render/trace_report.hpp"

namespace autotune::render {

void trace_summary(std::ostream& out, const TraceReport& report, const TraceTextOptions& options);

}  // namespace autotune::render
