// autotune trace.
#include "cli/commands.hpp"
#include "cli/trace_break.hpp"
#include "cli/trace_request.hpp"
#include "cli/trace_run.hpp"

namespace autotune::cli {

int trace_command(int argc, char** argv) {
    TraceRequest request;
    if (const auto over = read_trace_request(argc, argv, request)) return *over;
    if (!request.hold.function.empty()) return run_break(request.hold);
    return run_trace(request);
}

}  // namespace autotune::cli
