// A Diagnosis as people and as machines read it. Pure.
#pragma once

#include <string>

#include "agent/doctor/doctor.hpp"
#include "exporters/render/style.hpp"

namespace autotune::cli {

using render::Colour;
using render::Marks;

[[nodiscard]] std::string doctor_table(const doctor::Diagnosis& diagnosis, Marks marks, Colour colour);

// {"kernel", "backend", "checks": [{"name", "status": "ok|degraded|missing", "required",
// "detail", "remedy"}], "costs": [{"operation", "median_ns", "low_ns", "high_ns", "rounds"}], "works": [],
// "lacking": []}, one line.
[[nodiscard]] std::string doctor_json(const doctor::Diagnosis& diagnosis);

}  // namespace autotune::cli
