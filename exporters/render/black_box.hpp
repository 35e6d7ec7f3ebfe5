// A black box for people and for programs. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/black_box.hpp"
#include "core/result.hpp"

namespace autotune::render {

[[nodiscard]] std::string black_box_text(const BlackBox& box);

// One object, indented; black_box_from() gives the same box again. Text that is not UTF-8 is replaced.
[[nodiscard]] std::string black_box_json(const BlackBox& box);
// Errors: corrupt, with what is wrong.
[[nodiscard]] Result<BlackBox> black_box_from(std::string_view json);

}  // namespace autotune::render
