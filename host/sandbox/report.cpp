#include "host/sandbox/report.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <nlohmann/json.hpp>

namespace autotune::host {
namespace {

constexpr std::uint64_t kMegabyte = 1024 * 1024;

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit; }

// As Go's os package names them, which is where Lambda's texts come from.
std::string_view signal_name(int signal) {
    switch (signal) {
        case SIGHUP: return "hangup";
        case SIGINT: return "interrupt";
        case SIGQUIT: return "quit";
        case SIGILL: return "illegal instruction";
        case SIGTRAP: return "trace/breakpoint trap";
        case SIGABRT: return "aborted";
        case SIGBUS: return "bus error";
        case SIGFPE: return "floating point exception";
        case SIGKILL: return "killed";
        case SIGSEGV: return "segmentation fault";
        case SIGPIPE: return "broken pipe";
        case SIGALRM: return "alarm clock";
        case SIGTERM: return "terminated";
        default: return "";
    }
}

std::string status_fields(Ending ending, std::string_view error_type) {
    switch (ending) {
        case Ending::timeout: return "\tStatus: timeout";
        case Ending::response:
        case Ending::error: return "";
        default: return fmt::format("\tStatus: error\tError Type: {}", error_type);
    }
}

}  // namespace

std::string start_line(std::string_view request_id, std::string_view version) {
    return fmt::format("START RequestId: {} Version: {}\n", request_id, version);
}

std::string end_line(std::string_view request_id) { return fmt::format("END RequestId: {}\n", request_id); }

std::string report_line(const InvocationReport& r) {
    const auto duration_ns = static_cast<std::uint64_t>(r.duration.count());
    std::string line = fmt::format(
        "REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory "
        "Used: {} MB",
        r.request_id, to_ms(r.duration), rounded_up(duration_ns, 1'000'000), r.memory_mb,
        rounded_up(r.peak_bytes, kMegabyte));
    if (r.init) line += fmt::format("\tInit Duration: {:.2f} ms", to_ms(*r.init));
    if (r.held.count() > 0) line += fmt::format("\tHeld: {:.2f} ms", to_ms(r.held));
    return line + status_fields(r.ending, r.error_type) + "\n";
}

std::string init_report_line(Nanos duration, InitPhase phase, Ending ending, std::string_view error_type) {
    return fmt::format("INIT_REPORT Init Duration: {:.2f} ms\tPhase: {}{}\n", to_ms(duration),
                       phase == InitPhase::init ? "init" : "invoke", status_fields(ending, error_type));
}

std::string timeout_message(WallTime at, std::string_view request_id, Nanos timeout) {
    return fmt::format("{} {} Task timed out after {:.2f} seconds", to_rfc3339(at), request_id,
                       to_seconds(timeout));
}

std::string describe(const ExitStatus& status) {
    if (status.signal == 0) return status.code == 0 ? "" : fmt::format("exit status {}", status.code);
    const std::string_view name = signal_name(status.signal);
    return name.empty() ? fmt::format("signal: signal {}", status.signal) : fmt::format("signal: {}", name);
}

std::string exit_message(std::string_view request_id, const ExitStatus& status) {
    const std::string reason = describe(status);
    return reason.empty()
               ? fmt::format("RequestId: {} Error: Runtime exited without providing a reason", request_id)
               : fmt::format("RequestId: {} Error: Runtime exited with error: {}", request_id, reason);
}

std::string error_object(std::string_view type, std::string_view message) {
    nlohmann::ordered_json object;
    if (!type.empty()) object["errorType"] = type;
    object["errorMessage"] = message;
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace autotune::host
