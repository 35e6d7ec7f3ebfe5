#include "agent/black_box/box_assembly.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "agent/black_box/text_arguments.hpp"

namespace autotune::black_box {
namespace {

// The kernel's own results of calls that a signal interrupted (include/linux/errno.h); programs never see them.
bool is_interrupted(std::int64_t result) { return result <= -512 && result >= -516; }

std::string address_text(const char (&raw)[AT_BOX_TEXT]) {
    std::uint16_t family = 0;
    std::memcpy(&family, raw, sizeof family);
    Endpoint e;
    std::uint16_t port = 0;
    std::memcpy(&port, raw + 2, sizeof port);
    e.port = ntohs(port);
    if (family == AF_INET) {
        e.family = AddressFamily::ipv4;
        std::memcpy(e.address.data(), raw + 4, 4);
    } else if (family == AF_INET6) {
        e.family = AddressFamily::ipv6;
        std::memcpy(e.address.data(), raw + 8, 16);
    } else if (family == AF_UNIX) {
        return "unix " + std::string(raw + 2, strnlen(raw + 2, 26));
    } else {
        return "";
    }
    return to_string(e);
}

std::string text_of(const at_box_call& call) {
    static const auto arguments = text_arguments();
    const std::uint8_t which = call.number < arguments.size() ? arguments[call.number] & kTextArgument : 0;
    if (which == 0) return "";
    if (which >= kAddressArgument) return address_text(call.text);
    return std::string(call.text, strnlen(call.text, sizeof call.text));
}

Endpoint endpoint_of(const at_endpoint& from) {
    Endpoint e{.address = {}, .port = from.port};
    std::memcpy(e.address.data(), from.address, e.address.size());
    if (from.family == AF_INET) e.family = AddressFamily::ipv4;
    if (from.family == AF_INET6) e.family = AddressFamily::ipv6;
    return e;
}

std::string_view tcp_state(std::uint8_t state) {
    switch (state) {
        case TCP_ESTABLISHED: return "established";
        case TCP_SYN_SENT: return "connecting";
        case TCP_LISTEN: return "listening";
        case TCP_CLOSE_WAIT: return "closed by the peer";
        case TCP_CLOSE: return "closed";
        default: return "closing";
    }
}

std::string socket_text(const at_box_file& file) {
    if (file.local.family == AF_UNIX) return "unix socket " + std::to_string(file.inode);
    if (file.local.family != AF_INET && file.local.family != AF_INET6)
        return "socket of family " + std::to_string(file.local.family);
    const bool stream = file.type == SOCK_STREAM;
    std::string text = (stream ? "tcp " : "udp ") + to_string(endpoint_of(file.local));
    if (file.peer.port != 0) text += " -> " + to_string(endpoint_of(file.peer));
    if (stream) text += " " + std::string(tcp_state(file.state));
    return text;
}

std::string what_is(const at_box_file& file) {
    const unsigned kind = file.mode & S_IFMT;
    if (kind == S_IFSOCK) return socket_text(file);
    std::string path = path_text(file.path);
    if (kind == S_IFIFO && path.empty()) return "pipe " + std::to_string(file.inode);
    if (kind == 0) return path.empty() ? "anonymous" : path.substr(1);  // "[eventfd]"
    return path.empty() ? "/" : path;
}

}  // namespace

std::string path_text(std::span<const char> raw) {
    std::string path;
    std::string_view rest(raw.data(), raw.size());
    while (!rest.empty() && rest.front() != '\0') {
        const auto end = rest.find('\0');
        if (end == std::string_view::npos) break;
        path = "/" + std::string(rest.substr(0, end)) + path;
        rest.remove_prefix(end + 1);
    }
    return path;
}

std::vector<BoxCall> calls_of(const at_box_dying& dying) {
    std::vector<BoxCall> out;
    const std::uint32_t made = dying.calls_made;
    const std::uint32_t kept = std::min<std::uint32_t>(made, AT_BOX_CALLS);
    for (std::uint32_t i = 0; i < kept; ++i) {
        const at_box_call& from = dying.calls[(made - kept + i) % AT_BOX_CALLS];
        if (from.at_ns == 0) continue;
        BoxCall call{.before = Nanos(static_cast<std::int64_t>(dying.head.at_ns - from.at_ns)),
                     .thread = static_cast<std::int32_t>(from.tid),
                     .number = from.number,
                     .arguments = {},
                     .text = text_of(from),
                     .result = from.result,
                     .interrupted = is_interrupted(from.result)};
        std::ranges::copy(from.arguments, call.arguments.begin());
        out.push_back(std::move(call));
    }
    return out;
}

std::vector<BoxFile> files_of(const OpenFiles& files) {
    std::vector<BoxFile> out;
    for (const at_box_file& file : files.files)
        out.push_back({.fd = file.fd, .what = what_is(file), .position = file.position, .flags = file.flags});
    return out;
}

BlackBox box_of(const at_box_dying& dying, const OpenFiles& files) {
    const at_box_head& head = dying.head;
    BlackBox box{.process = {static_cast<std::int32_t>(head.pid), head.start_ns},
                 .cgroup = static_cast<CgroupId>(head.cgroup),
                 .command = std::string(head.command, strnlen(head.command, sizeof head.command)),
                 .at = from_ns(static_cast<std::int64_t>(head.at_ns)),
                 .signal = static_cast<std::int32_t>(dying.signal),
                 .out_of_memory = dying.out_of_memory != 0};
    // Who wanted the page; who did what it was killed for; else the process's first.
    const std::uint32_t first = dying.signal != SIGKILL ? head.tid : head.pid;
    box.culprit_thread = static_cast<std::int32_t>(dying.wanted_by != 0 ? dying.wanted_by : first);
    box.threads_alive = dying.threads;
    box.calls = calls_of(dying);
    box.calls_given_up = dying.calls_shed != 0;
    box.files = files_of(files);
    box.more_files = files.more;
    box.memory = {.group_now = dying.memory_now,
                  .group_limit = dying.memory_limit,
                  .anonymous = dying.anonymous,
                  .files = dying.files,
                  .shared = dying.shared,
                  .swapped = dying.swap};
    return box;
}

}  // namespace autotune::black_box
