// A Diagnosis as people and as machines read it. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "agent/doctor/doctor.hpp"

namespace autotune::cli {

enum class Marks : std::uint8_t { unicode, ascii };
enum class Colour : std::uint8_t { off, on };

[[nodiscard]] std::string doctor_table(const doctor::Diagnosis& diagnosis, Marks marks, Colour colour);

// {"kernel", "backend", "possible", "checks": [{"name", "status": "ok|degraded|missing", "required",
// "detail", "remedy"}], "costs": [{"operation", "median_ns", "low_ns", "high_ns", "rounds"}], "works": [],
// "lacking": []}, one line.
[[nodiscard]] std::string doctor_json(const doctor::Diagnosis& diagnosis);

}  // namespace autotune::cli
