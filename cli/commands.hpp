// The commands of the autotune program. Each parses its own arguments (argv[0] is "autotune NAME"),
// prints data to stdout and talk to stderr, and returns the exit status:
// 0 done, 1 failed, 2 usage or configuration, 3 findings.
#pragma once

namespace autotune::cli {

int run_command(int argc, char** argv);
int history_command(int argc, char** argv);
int profile_command(int argc, char** argv);
int trace_command(int argc, char** argv);
int cost_command(int argc, char** argv);
int catalogue_command(int argc, char** argv);
int canary_command(int argc, char** argv);
int fuse_command(int argc, char** argv);
int decompose_command(int argc, char** argv);
int size_command(int argc, char** argv);
int plan_command(int argc, char** argv);
int explain_command(int argc, char** argv);
int apply_command(int argc, char** argv);
int approve_command(int argc, char** argv);
int rollback_command(int argc, char** argv);
int deploy_command(int argc, char** argv);
int topology_command(int argc, char** argv);

}  // namespace autotune::cli
