// Ctrl-C and SIGTERM as something to read instead of something that ends us.
#pragma once

#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune::cli {

// SIGINT and SIGTERM, blocked in this thread and all that it makes from here on; read(2) gives a
// signalfd_siginfo, without blocking. Children are to unblock them.
[[nodiscard]] Result<Fd> stop_signals();

}  // namespace autotune::cli
