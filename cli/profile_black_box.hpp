// autotune profile --black-box: what was written down of a killed invocation, or of a program that is watched for it.
#pragma once

namespace autotune::cli {

// argv as of `autotune profile`. Returns the exit status.
int profile_black_box_command(int argc, char** argv);

}  // namespace autotune::cli
