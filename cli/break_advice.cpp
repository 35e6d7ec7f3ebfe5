#include "cli/break_advice.hpp"

#include <fmt/format.h>

namespace autotune::cli {
namespace {

std::string to_connect(const std::string& address, const DeskTools& tools) {
    const auto colon = address.rfind(':');
    const std::string host = address.substr(0, colon), port = address.substr(colon + 1);
    if (tools.netcat) return fmt::format("nc {} {}", host, port);
    // Without netcat the shell has to do.
    return fmt::format("bash -c 'exec 3<>/dev/tcp/{}/{}; cat <&3 & cat >&3'", host, port);
}

std::string inner_debugger(const host::BreakView& held, const DeskTools& tools) {
    const std::string& address = held.address;
    if (held.listener.empty()) return {};
    if (held.listener == "debugpy") {
        const auto colon = address.rfind(':');
        return fmt::format(
            "  attach    debugpy at {0}: in VS Code's launch.json {{\"type\": \"debugpy\", \"request\": \"attach\", "
            "\"connect\": {{\"host\": \"{1}\", \"port\": {2}}}}}\n"
            "            it stops where the handler is called: step into it\n",
            address, address.substr(0, colon), address.substr(colon + 1));
    }
    return fmt::format(
        "  attach    {}\n"
        "            pdb stops at the handler's first line; b FILE:LINE, n, s, p, c; q lets it go on\n",
        to_connect(address, tools));
}

}  // namespace

std::string plain_time(Nanos time) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time);
    const double seconds = to_seconds(time - minutes);
    if (minutes.count() == 0) return fmt::format("{:.2f} s", seconds);
    if (seconds < 1) return fmt::format("{} min", minutes.count());
    return fmt::format("{} min {:.0f} s", minutes.count(), seconds);
}

std::string break_advice(const host::BreakView& held, const DeskTools& tools) {
    std::string text;
    for (const auto& [pid, name] : held.processes)
        text += fmt::format("  {}   {} {}\n", text.empty() ? "process" : "   also", pid, name);
    const pid_t pid = held.processes.empty() ? 0 : held.processes.front().first;
    text += fmt::format("  source    {} (handler {})\n", held.code, held.handler);
    const std::string inner = inner_debugger(held, tools);
    text += inner;
    text += fmt::format("  {}    {}gdb -p {}\n", inner.empty() ? "attach" : "or    ", tools.privilege, pid);
    text += inner.empty()
                ? "            break FUNCTION, then continue: it gets the invocation; its clock stands until gdb leaves\n"
                : "            for native code: break FUNCTION, then continue; its clock stands until gdb leaves\n";
    return text;
}

}  // namespace autotune::cli
