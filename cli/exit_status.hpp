// Exit statuses of every command.
#pragma once

namespace autotune::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;  // or configuration
inline constexpr int kFindings = 3;

}  // namespace autotune::cli
