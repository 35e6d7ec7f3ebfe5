// Reporter: what happens at the stops of traced tasks, to records of the wire format that the eBPF programs write
// too (bpf/wire.h): one meaning, two backends. It mirrors bpf/parts: the same calls are told, in the same words.
//
// The tracing thread's own. Tasks are stopped when it is asked about them.
#pragma once

#include <string>
#include <string_view>

#include "agent/ptrace/record_queue.hpp"
#include "agent/ptrace/tasks.hpp"
#include "agent/ptrace/usage.hpp"
#include "agent/ptrace/wanted_calls.hpp"
#include "bpf/logic/runtime_api.h"
#include "core/event_source.hpp"

namespace autotune::ptrace {

class Reporter {
public:
    // `call_bias`: what a traced call is known to take longer; taken off its latency.
    Reporter(const Detail& detail, Nanos call_bias, const Tasks& tasks, RecordQueue& queue);

    [[nodiscard]] const WantedCalls& wanted() const { return wanted_; }
    void focus(const Detail& detail);  // what the filter does not stop at stays unseen

    // reporter.cpp
    // Fills thread.call. True when the call's end must be seen.
    [[nodiscard]] bool on_entry(Thread& thread, const CallState& state);
    void on_exit(Thread& thread, std::int64_t result, Timestamp now);
    // Losses of our own: text or structures that could not be read.
    [[nodiscard]] std::uint64_t take_read_failures() { return std::exchange(read_failures_, 0); }

    // process_records.cpp
    void process_existed(Process& process, Timestamp now);
    void process_forked(Process& process, Timestamp now);
    void program_began(Thread& leader, Timestamp now);  // exec
    void thread_leaves(Thread& thread, Timestamp now);
    void process_leaves(Process& process);              // while its files in /proc are still there
    void process_ended(Process& process, int status, Timestamp now);
    void tell_totals(Process& process, Timestamp now);
    void tell_open(const Thread& thread, Timestamp now);  // the tracing ends before the thread

private:
    struct Bytes {
        std::uint64_t at = 0;
        std::uint64_t size = 0;
    };

    struct Address {
        at_endpoint endpoint{};
        std::string unix_name;
    };

    [[nodiscard]] at_header header_of(const Process& process, pid_t tid, std::uint32_t kind, std::size_t size,
                                      Timestamp now) const;
    [[nodiscard]] Event event_of(const Thread& thread, Timestamp now, EventBody body) const;
    template <class T>
    [[nodiscard]] std::optional<T> read_user(const Thread& thread, std::uint64_t address);
    [[nodiscard]] Nanos latency_of(const PendingCall& call, Timestamp now) const;
    void account(Thread& thread, std::int64_t result, Timestamp now);
    [[nodiscard]] static WaitCause cause_of(const PendingCall& call);

    // io_records.cpp
    [[nodiscard]] bool on_io_entry(Thread& thread);
    [[nodiscard]] bool is_told(Thread& thread, Descriptor& socket);
    void on_io_exit(Thread& thread, std::int64_t result, Timestamp now);
    void close_entry(Thread& thread, Descriptor& descriptor);
    void on_accept(Thread& thread, std::int64_t result, Timestamp now);
    [[nodiscard]] at_io_record io_record(const Thread& thread, std::int64_t result, Timestamp now) const;
    void tell_io(const at_io_record& record, std::string_view path);
    void tell_not_decoded(const Thread& thread, at_not_decoded what, std::uint64_t count);
    void tell_fd_change(const Thread& thread, int from, int to, std::uint32_t is_dup);

    // wait_records.cpp
    void on_wait(Thread& thread, std::int64_t result, Timestamp now);
    void on_polled_in_vain(Thread& thread, Timestamp now);
    [[nodiscard]] std::optional<Wait> wait_of(const Thread& thread, std::int64_t result);
    [[nodiscard]] static Nanos take_wait(Thread& thread);
    template <class T>
    [[nodiscard]] std::vector<T> read_array(const Thread& thread, std::uint64_t address, std::size_t count);

    // transfer_records.cpp
    void tell_transfer(Thread& thread, std::int64_t result, Timestamp now);
    void tell_move(Thread& thread, std::int64_t result, Timestamp now);
    void tell_messages(Thread& thread, std::int64_t messages, Timestamp now);
    void tell_names(const Thread& thread, const Descriptor& socket, std::int64_t received, Timestamp now);
    [[nodiscard]] Bytes address_of(const Thread& thread, std::int64_t result);
    // `address`: what came with the call.
    void tell_on_socket(at_io_record record, const Descriptor& socket, const Address& address);

    // name_records.cpp
    void tell_name(Thread& thread, std::int64_t result, Timestamp now);
    void tell_mapping(Thread& thread, std::int64_t result, Timestamp now);

    // connect_records.cpp
    void on_connect(Thread& thread, std::int64_t result, Timestamp now);
    void on_socket_error(Thread& thread, std::int64_t result, Timestamp now);
    void tell_connected(Descriptor& descriptor, std::int64_t result, Timestamp now);
    [[nodiscard]] at_endpoint read_sockaddr(const Thread& thread, std::uint64_t address);
    [[nodiscard]] Address read_address(const Thread& thread, Bytes bytes);

    // http_records.cpp
    // Gives the flags that the transfer's own record has on this account.
    [[nodiscard]] std::uint16_t tell_http(const Thread& thread, Descriptor& socket, const at_io_record& io);
    [[nodiscard]] Bytes last_bytes(const Thread& thread, Bytes first, std::uint64_t moved);

    // conversation_records.cpp
    [[nodiscard]] at_request hear(Thread& thread, Descriptor& descriptor);
    void tell_request(Thread& thread, Descriptor& descriptor, at_request request, const std::string& head);
    void tell_answer(Thread& thread, Descriptor& descriptor, std::uint32_t received, Timestamp now);
    [[nodiscard]] Bytes first_bytes(const Thread& thread);
    [[nodiscard]] std::string read_bytes(const Thread& thread, Bytes bytes, std::size_t at_most);
    void tell_times(const Thread& thread, const ThreadSums& sums, Timestamp now);

    WantedCalls wanted_;
    Detail detail_;
    Nanos call_bias_;
    const Tasks& tasks_;
    RecordQueue& queue_;
    UsageReader usage_;
    SystemClock clock_;
    std::uint64_t read_failures_ = 0;
};

template <class T>
std::optional<T> Reporter::read_user(const Thread& thread, std::uint64_t address) {
    auto object = read_object<T>(thread.process->pid, address);
    if (!object) ++read_failures_;
    return object;
}

}  // namespace autotune::ptrace
