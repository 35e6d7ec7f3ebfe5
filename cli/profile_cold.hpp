// autotune profile --cold: how processes start, phase by phase and module by module.
#pragma once

namespace autotune::cli {

// argv as of `autotune profile`. Returns the exit status.
int profile_cold_command(int argc, char** argv);

}  // namespace autotune::cli
