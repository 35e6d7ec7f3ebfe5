// From records of the black box to what people read: calls, open files. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/black_box/box_records.hpp"
#include "core/black_box.hpp"

namespace autotune::black_box {

// A path as the kernel side writes it: components, the last first, NUL after each. "" when there is none.
[[nodiscard]] std::string path_text(std::span<const char> raw);

// Oldest first.
[[nodiscard]] std::vector<BoxCall> calls_of(const at_box_dying& dying);

[[nodiscard]] std::vector<BoxFile> files_of(const OpenFiles& files);

// All but threads, mappings and what only a clock knows.
[[nodiscard]] BlackBox box_of(const at_box_dying& dying, const OpenFiles& files);

}  // namespace autotune::black_box
