// Which function a request to Lambda's API invokes.
#pragma once

#include <string>
#include <string_view>

namespace autotune::analysis {

// Of "/2015-03-31/functions/NAME/invocations" (a name, a partial or a full ARN, percent-encoded or not, with or without a
// qualifier) and ".../response-streaming-invocations" the function's name; empty of any other path.
[[nodiscard]] std::string invoked_function(std::string_view method, std::string_view path);

// Does the path belong to the Runtime API, that executors ask for work?
[[nodiscard]] constexpr bool is_runtime_api(std::string_view path) { return path.starts_with("/2018-06-01/runtime/"); }

}  // namespace autotune::analysis
