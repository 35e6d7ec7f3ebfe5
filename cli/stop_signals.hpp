// Ctrl-C, SIGTERM and the terminal's end as something to read instead of something that ends us.
#pragma once

#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune::cli {

// SIGINT, SIGTERM and, where it is not ignored (nohup), SIGHUP, blocked in this thread and all that it makes from here
// on; read(2) gives a signalfd_siginfo, without blocking. SIGPIPE is ignored: a reader that goes early (`| head`) is an
// error of write(2), and we clean up after ourselves. Children are to undo both.
[[nodiscard]] Result<Fd> stop_signals();

}  // namespace autotune::cli
