// RecordDecoder: one record of the kernel side (bpf/wire.h) to the Events it stands for.
//
// Total: any bytes are accepted; what makes no sense is refused and the caller counts it. Remembers
// processes between records; asks /proc only for what the kernel side cannot know (names of inherited
// descriptors, the environment of processes that were there before us).
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "agent/bpf/process_book.hpp"
#include "bpf/wire.h"
#include "core/event.hpp"
#include "os/procfs.hpp"

namespace autotune {

class RecordDecoder {
public:
    explicit RecordDecoder(Procfs proc = Procfs()) : proc_(std::move(proc)) {}

    // Wall clock less monotonic clock: deadlines are told in wall time.
    void set_wall_offset(Nanos offset) { wall_offset_ = offset; }

    // Appends to batch; false when the bytes are no record.
    [[nodiscard]] bool decode(std::span<const std::byte> record, EventBatch& batch);

    // Records were lost: what a descriptor is called may have changed unseen.
    void forget_names() { book_.forget_names(); }
    // Transfers on sockets passed by unseen.
    void forget_conversations() { book_.forget_conversations(); }

    // No record will come any more: tells the HTTP exchanges whose answer has begun.
    void finish(Timestamp now, EventBatch& batch);

    // Processes that execute a file that nobody was seen to execute before, and those that were there before us.
    [[nodiscard]] std::set<std::int32_t> take_new_code() { return std::exchange(new_code_, {}); }
    // All that are known.
    [[nodiscard]] std::vector<std::int32_t> processes();

    // Cgroups of executors that ran before the source did and that nobody watches yet.
    [[nodiscard]] std::vector<CgroupId> take_discovered() { return std::exchange(discovered_, {}); }
    // Executors that ran before the source did: they may have asked for work before it could be heard.
    [[nodiscard]] std::vector<std::pair<std::int32_t, std::uint16_t>> take_early() { return std::exchange(early_, {}); }
    // Since the last call an executor was heard of whose cgroup nobody watched: what else is in it was not listed yet.
    [[nodiscard]] bool take_unlisted() { return std::exchange(unlisted_, false); }
    // Of what has been listed.
    [[nodiscard]] std::vector<ProcessBook::SharedSandbox> shared_sandboxes() { return book_.shared_sandboxes(); }

private:
    // record_decoder.cpp
    void on_fork(const at_fork_record& r, EventBatch& batch);
    void on_exec(const at_exec_record& r, EventBatch& batch);
    void on_exit(const at_exit_record& r, EventBatch& batch);
    void on_oom(const at_oom_record& r, EventBatch& batch);
    void on_existing(const at_existing_record& r, EventBatch& batch);
    void announce(KnownProcess& process, const at_header& header, EventBatch& batch);
    void learn_environment(KnownProcess& process);

    // time_records.cpp
    static void on_thread_times(const at_thread_times_record& r, EventBatch& batch);
    static void on_off_cpu(const at_off_cpu_record& r, EventBatch& batch);
    static void on_syscall(const at_syscall_record& r, EventBatch& batch);

    // io_records.cpp
    void on_io(const at_io_record& r, EventBatch& batch);
    void on_io_path(const at_io_path_record& r, EventBatch& batch);
    void on_map(const at_map_record& r, EventBatch& batch);
    void on_fd_change(const at_fd_change_record& r, EventBatch& batch);
    void push_io(const at_io_record& r, StringId path, EventBatch& batch);
    void push_socket_io(const at_io_record& r, StringId path, EventBatch& batch);
    [[nodiscard]] StringId name_of(const at_io_record& r, EventBatch& batch);
    [[nodiscard]] StringId resolve(KnownProcess& process, int directory, std::string_view path,
                                   StringTable& strings) const;

    // network_records.cpp
    void on_trouble(const at_trouble_record& r, EventBatch& batch);
    void on_names(const at_names_record& r, EventBatch& batch);
    void on_not_decoded(const at_not_decoded_record& r, EventBatch& batch);

    // http_records.cpp
    void on_http(const at_http_record& r, EventBatch& batch);
    void on_tls(const at_tls_record& r, EventBatch& batch);
    void hear_tls(const at_tls_record& r, std::string_view text, EventBatch& batch);
    void hear_transfer(const at_io_record& r, EventBatch& batch);
    void end_tls(const at_header& header, EventBatch& batch);
    void end_conversations(const at_header& header, int first, int last, EventBatch& batch);
    void tell_exchanges(const at_header& header, HttpConnection& connection, const std::vector<HttpExchange>& over,
                        EventBatch& batch);
    static void tell_exchange(const at_header& header, const HttpConnection& connection, const HttpExchange& e,
                              EventBatch& batch);

    // boundary_records.cpp
    void begin_work(const at_header& header, HttpConnection& connection, const HttpExchange& e, EventBatch& batch);
    void end_work(const at_header& header, HttpConnection& connection, const HttpExchange& e, EventBatch& batch);

    // invocation_records.cpp
    void on_request_head(const at_request_head_record& r, EventBatch& batch);
    void on_answer_part(const at_answer_part_record& r, EventBatch& batch);
    void tell_birth(const at_header& header, EventBatch& batch);
    void finish_answer(KnownProcess& process, const at_answer_part_record& r, EventBatch& batch);

    Procfs proc_;
    ProcessBook book_;
    Nanos wall_offset_{0};
    std::vector<CgroupId> discovered_;
    bool unlisted_ = false;
    std::vector<std::pair<std::int32_t, std::uint16_t>> early_;  // pid, port of its Runtime API
    std::set<std::int32_t> new_code_;
};

// Worth evaluating at once: a kill, a failed init.
[[nodiscard]] bool is_urgent(const Event& event);

// What the record functions share.
[[nodiscard]] Event make_event(const at_header& header, EventBody body);
[[nodiscard]] CgroupUsage to_usage(const at_usage& usage);
[[nodiscard]] Endpoint to_endpoint(const at_endpoint& endpoint);  // v4-mapped IPv6 becomes IPv4

// The kernel's own restart codes (ERESTARTSYS and its kin) never reach a program: it sees EINTR.
[[nodiscard]] std::int64_t as_program_sees(std::int64_t result);

// A NUL-terminated text in a field of `size` bytes, which may lack the NUL.
[[nodiscard]] std::string_view field_text(const char* field, std::size_t size);

}  // namespace autotune
