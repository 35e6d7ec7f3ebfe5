// Exit statuses of every command.
#pragma once

namespace autotune::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;  // or configuration
inline constexpr int kFindings = 3;

// With a command, whose own status is ours else; as env(1), nohup(1) and their kin end.
inline constexpr int kOursFailed = 125;  // we did, not the command
inline constexpr int kCannotExecute = 126;
inline constexpr int kNoSuchCommand = 127;

}  // namespace autotune::cli
