// autotune rules: what a rules file says, before it is let loose.
#pragma once

namespace autotune {

// argv[0] is the command's name, "autotune rules". Subcommands:
//   eval EXPR [--bind JSON]… [--container A.B] [--no-check]   the value of a CEL expression: rules_eval.hpp
//   test FILE… [--json]    facts over time, and what must be planned: rules_test.hpp
//   check FILE [--json]   exit 0: it can be used (perhaps with warnings), 2: it cannot. Diagnostics
//                         on stderr as file:line:column: message, the list of rules on stdout.
int rules_command(int argc, char** argv);

}  // namespace autotune
