// A profile in speedscope's file format, "sampled" kind. https://www.speedscope.app/file-format-schema.json
#pragma once

#include <string>

#include "core/profile.hpp"

namespace autotune::render {

// Pure. One line of JSON.
[[nodiscard]] std::string speedscope(const Profile& profile);

}  // namespace autotune::render
