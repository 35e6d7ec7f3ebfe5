#include "exporters/render/trace_label.hpp"

#include <array>
#include <cstdio>

#include "exporters/render/syscall_names.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

std::string base_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string http_label(const Deed& deed, const Tables& tables) {
    std::string text(deed.code == static_cast<std::uint8_t>(Side::server) ? "serve " : "");
    text += tables.strings[deed.method];
    text += deed.tls ? " https://" : " http://";
    const std::string_view host = tables.strings[deed.host];
    text += host.empty() ? to_string(deed.peer) : std::string(host);
    text += tables.strings[deed.text];
    return text + (deed.status == 0 ? " unanswered" : " " + std::to_string(deed.status));
}

}  // namespace

std::string grouped(std::uint64_t count) {
    std::string digits = std::to_string(count);
    for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
    return digits;
}

std::string short_duration(Nanos duration, Marks marks) {
    const double ns = static_cast<double>(duration.count());
    const auto print = [](const char* format, double value) {
        char text[32];
        std::snprintf(text, sizeof text, format, value);
        return std::string(text);
    };
    const auto three = [&](double value, const char* unit) {
        const char* format = value < 9.995 ? "%.2f " : value < 99.95 ? "%.1f " : "%.0f ";
        return print(format, value) + unit;
    };
    if (ns < 999.5) return print("%.0f ns", ns);
    if (ns < 999.5e3) return three(ns / 1e3, marks == Marks::unicode ? "µs" : "us");
    if (ns < 999.5e6) return three(ns / 1e6, "ms");
    return three(ns / 1e9, "s");
}

std::string_view name_of(Backend backend) {
    static constexpr std::array<std::string_view, 5> kNames{"bpf", "ptrace", "runtime", "provider_log",
                                                            "replay"};
    const auto at = static_cast<std::size_t>(backend);
    return at < kNames.size() ? kNames[at] : "unknown";
}

std::string_view name_of(IoOp op) {
    static constexpr std::array<std::string_view, 16> kNames{
        "connect", "accept", "send", "receive",        "open",   "read",   "write", "sync",
        "close",   "map",    "list", "make_directory", "remove", "rename", "link",  "resize"};
    static_assert(static_cast<std::size_t>(IoOp::resize) + 1 == kNames.size());
    const auto at = static_cast<std::size_t>(op);
    return at < kNames.size() ? kNames[at] : "other";
}

std::string_view name_of(DeedKind kind) {
    static constexpr std::array<std::string_view, 9> kNames{"call",  "io",       "http",   "wait",  "syscall",
                                                            "fault", "variable", "thread", "folded"};
    return kNames[static_cast<std::size_t>(kind)];
}

Nanos bias_of_a_call(const Trace& trace) {
    Nanos least{0};
    for (const FunctionUse& f : trace.functions)
        if (f.bias.count() > 0 && (least.count() == 0 || f.bias < least)) least = f.bias;
    return least;
}

Nanos spread_of_a_call(const Trace& trace) {
    Nanos most{0};
    for (const FunctionUse& f : trace.functions) most = std::max(most, f.spread);
    return most;
}

std::string function_name(FrameId function, const Tables& tables) {
    const std::string name = clean_text(tables.strings[tables.frames[function].name]);
    return name.empty() ? "(unknown)" : name;
}

std::string place_of(FrameId function, const Tables& tables) {
    const Frame& frame = tables.frames[function];
    const std::string file = clean_text(base_name(tables.strings[frame.file]));
    if (!file.empty()) return frame.line == 0 ? file : file + ":" + std::to_string(frame.line);
    return clean_text(base_name(tables.strings[frame.module]));
}

std::string peer_name(const Endpoint& peer, StringId path, StringId name, const Tables& tables) {
    if (path != StringId{}) return clean_text(tables.strings[path]);
    std::string address = to_string(peer);
    if (peer.port == 0 && address.ends_with(":0")) address.resize(address.size() - 2);
    if (name == StringId{}) return address;
    const std::string port = peer.port == 0 ? "" : ":" + std::to_string(peer.port);
    return clean_text(tables.strings[name]) + port + " (" + address.substr(0, address.size() - port.size()) +
           ")";
}

std::string label_of(const Deed& deed, const TraceReport& report) {
    const Tables& tables = report.tables;
    switch (deed.kind) {
        case DeedKind::call: return function_name(deed.function, tables);
        case DeedKind::io: {
            const std::string verb(name_of(static_cast<IoOp>(deed.code)));
            if (deed.text != StringId{}) return verb + " " + clean_text(tables.strings[deed.text]);
            return deed.peer.known() ? verb + " " + peer_name(deed.peer, {}, {}, tables) : verb;
        }
        case DeedKind::http: return clean_text(http_label(deed, tables));
        case DeedKind::wait: return "wait: " + std::string(to_string(static_cast<WaitCause>(deed.code)));
        case DeedKind::syscall: return syscall_name(deed.number, report.setting.machine) + "()";
        case DeedKind::fault: return deed.code == 1 ? "page fault from disk" : "page fault";
        case DeedKind::variable:
            return clean_text(std::string(tables.strings[deed.text]) + " = " +
                              std::string(tables.strings[deed.host]));
        case DeedKind::thread:
            return deed.number == 0 ? "all threads" : "thread " + std::to_string(deed.number);
        case DeedKind::folded: break;
    }
    return "(too much to keep apart)";
}

}  // namespace autotune::render
