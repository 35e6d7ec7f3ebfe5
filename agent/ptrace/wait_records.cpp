// Reporter, the part about waits for descriptors: what bpf/parts/waits.bpf.h does. What was waited for is the wait of
// the first I/O on one of the descriptors that were reported, once.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/reporter.hpp"
#include "os/file.hpp"

namespace autotune::ptrace {
namespace {

constexpr std::size_t kMostPolled = 32;
constexpr std::size_t kMostEvents = 16;
constexpr std::size_t kMostSelected = 1024;  // descriptors

bool is_reported(const Wait& wait, pid_t pid, int fd, short wanted) {
    const auto events = static_cast<short>(wanted | POLLERR | POLLHUP);
    const auto is_ready = [&](const pollfd& one) { return one.fd == fd && (one.revents & events) != 0; };
    if (wait.epoll < 0) return std::ranges::any_of(wait.ready, is_ready);
    const auto text = read_file("/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(wait.epoll));
    const auto data = text ? epoll_data(*text, fd) : std::nullopt;
    return data && std::ranges::any_of(wait.told, [&](const Wait::Told& told) {
               return told.data == *data && (told.events & static_cast<std::uint32_t>(events)) != 0;
           });
}

void add_selected(Wait& wait, const std::vector<std::uint64_t>& set, short events) {
    for (std::size_t fd = 0; fd < set.size() * 64; ++fd)
        if ((set[fd / 64] >> (fd % 64) & 1) != 0)
            wait.ready.push_back({.fd = static_cast<int>(fd), .events = 0, .revents = events});
}

}  // namespace

template <class T>
std::vector<T> Reporter::read_array(const Thread& thread, std::uint64_t address, std::size_t count) {
    std::vector<T> all(address == 0 ? 0 : count);
    const auto bytes = std::as_writable_bytes(std::span(all));
    if (read_memory(thread.process->pid, address, bytes) == bytes.size()) return all;
    ++read_failures_;
    return {};
}

void Reporter::on_wait(Thread& thread, std::int64_t result, Timestamp now) {
    if (!detail_.io) return;
    if (result == 0 && thread.call.call == AT_CALL_POLL) on_polled_in_vain(thread, now);
    if (result <= 0) return;
    thread.wait = wait_of(thread, result);
    if (thread.wait) thread.wait->duration = latency_of(thread.call, now);
}

std::optional<Wait> Reporter::wait_of(const Thread& thread, std::int64_t result) {
    const PendingCall& call = thread.call;
    Wait wait;
    switch (call.wanted->call) {
        case AT_CALL_POLL:
            wait.ready = read_array<pollfd>(thread, call.arguments[0], std::min(call.arguments[1], kMostPolled));
            break;
        case AT_CALL_SELECT: {
            const std::size_t words = (std::min<std::uint64_t>(call.arguments[0], kMostSelected) + 63) / 64;
            add_selected(wait, read_array<std::uint64_t>(thread, call.arguments[1], words), POLLIN);
            add_selected(wait, read_array<std::uint64_t>(thread, call.arguments[2], words), POLLOUT);
            break;
        }
        case AT_CALL_EPOLL_WAIT: {
            wait.epoll = static_cast<int>(call.arguments[0]);
            const auto count = std::min(static_cast<std::size_t>(result), kMostEvents);
            for (const epoll_event& event : read_array<epoll_event>(thread, call.arguments[1], count))
                wait.told.push_back({.data = event.data.u64, .events = event.events});
            break;
        }
        default: return std::nullopt;
    }
    return wait;
}

// Of the call that is about to begin: on which of its descriptors may there have been a wait, and for what?
Nanos Reporter::take_wait(Thread& thread) {
    if (!thread.wait) return Nanos(0);
    const PendingCall& call = thread.call;
    int fd = call.fd;
    short wanted = POLLIN;
    if (at_moves(call.call) && call.from_file == AT_FILE_SOCKET)
        fd = call.from_fd;
    else if (call.call != AT_CALL_ACCEPT && call.file != AT_FILE_SOCKET)
        return Nanos(0);
    else if (at_sends(call.call) || at_moves(call.call))
        wanted = POLLOUT;
    else if (!at_receives(call.call) && call.call != AT_CALL_ACCEPT)
        return Nanos(0);
    if (!is_reported(*thread.wait, thread.process->pid, fd, wanted)) return Nanos(0);
    const Nanos duration = thread.wait->duration;
    thread.wait.reset();
    return duration;
}

// A receive with a time-out is a poll of one descriptor (CPython's sockets, for one): in vain, it is told as a receive
// that failed.
void Reporter::on_polled_in_vain(Thread& thread, Timestamp now) {
    PendingCall& call = thread.call;
    if (call.arguments[1] != 1 || latency_of(call, now) < Nanos(AT_SLOW_EMPTY_NS)) return;
    const auto polled = read_user<pollfd>(thread, call.arguments[0]);
    if (!polled || (polled->events & POLLIN) == 0) return;
    const Descriptor& socket = thread.process->descriptors->look_up(thread.process->pid, polled->fd);
    if (socket.type != AT_FILE_SOCKET || socket.control) return;
    call.fd = polled->fd;
    call.arguments[4] = 0;
    call.file = AT_FILE_SOCKET;
    call.call = AT_CALL_RECVFROM;
    tell_transfer(thread, -ETIMEDOUT, now);
}

}  // namespace autotune::ptrace
