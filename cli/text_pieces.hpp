// Text files of any size, plain or gzip, piece by piece.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::cli {

// "-" is standard input. Errors: as read_in_pieces; corrupt, for gzip data, with the path; what `take` says.
[[nodiscard]] Status read_text_in_pieces(const std::string& path,
                                         const std::function<Status(std::string_view)>& take);

// How people call it: "standard input".
[[nodiscard]] std::string shown_path(const std::string& path);

}  // namespace autotune::cli
