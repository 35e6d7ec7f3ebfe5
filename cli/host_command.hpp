// autotune host --functions DIR: runs functions on this machine behind AWS Lambda's API.
#pragma once

namespace autotune {

// argv[0] is the command's name. Returns the exit status: 0 stopped by SIGINT or SIGTERM, 1 this machine or
// the state folder does not allow it, 2 usage, address or a bad function.yaml. Says on stderr when it is
// ready, with its URL.
int host_command(int argc, char** argv);

}  // namespace autotune
