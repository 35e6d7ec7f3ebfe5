// Records as the kernel side writes them, and a decoder to feed them to.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/bpf/record_decoder.hpp"

namespace autotune::test {

struct Who {
    int tgid = 100;
    std::uint64_t start_ns = 5000;
    std::uint64_t cgroup = 42;
};

inline at_header header_of(at_kind kind, std::size_t size, Who who, std::uint64_t at_ns) {
    return {.at_ns = at_ns,
            .start_ns = who.start_ns,
            .cgroup = who.cgroup,
            .tgid = who.tgid,
            .tid = who.tgid,
            .kind = kind,
            .size = static_cast<__u32>(size)};
}

template <std::size_t N>
void set_text(char (&field)[N], std::string_view text) {
    std::memset(field, 0, N);
    std::copy_n(text.begin(), std::min(text.size(), N), field);
}

inline at_endpoint ipv4(std::uint8_t last, std::uint16_t port) {
    return {.address = {127, 0, 0, last}, .port = port, .family = AF_INET};
}

inline at_exec_record exec_record(Who who, std::string_view environment, std::uint64_t at_ns = 1000) {
    at_exec_record r{};
    r.header = header_of(AT_EXEC, sizeof r, who, at_ns);
    r.parent = 1;
    set_text(r.comm, "python3");
    set_text(r.path, "/usr/bin/python3");
    r.environment_full = environment.size();
    r.environment_size = static_cast<__u32>(std::min(environment.size(), sizeof r.environment));
    std::copy_n(environment.begin(), r.environment_size, r.environment);
    return r;
}

inline at_exit_record exit_record(Who who, int status, std::uint64_t at_ns = 9000) {
    at_exit_record r{};
    r.header = header_of(AT_EXIT, sizeof r, who, at_ns);
    r.status = status;
    return r;
}

inline at_io_record io_record(Who who, at_op op, int fd, std::int64_t result) {
    at_io_record r{};
    r.header = header_of(AT_IO, sizeof r, who, 2000);
    r.op = static_cast<__u8>(op);
    r.fd = fd;
    r.result = result;
    r.latency_ns = 77;
    r.file = AT_FILE_DATA;
    return r;
}

inline at_io_path_record open_record(Who who, std::string_view path, int result, int directory = -100) {
    at_io_path_record r{};
    r.io = io_record(who, AT_OP_OPEN, directory, result);
    r.io.header.kind = AT_IO_PATH;
    r.io.header.size = sizeof r;
    set_text(r.path, path);
    return r;
}

inline at_request_head_record request_record(Who who, std::string_view head, std::uint64_t at_ns = 3000) {
    at_request_head_record r{};
    r.header = header_of(AT_REQUEST_HEAD, sizeof r, who, at_ns);
    r.usage = {.cpu_ns = 11, .runnable_ns = 12, .memory_now = 13, .memory_peak = 14, .memory_limit = 15};
    r.peer = ipv4(1, 9001);
    r.fd = 5;
    set_text(r.head, head);
    r.head_size = static_cast<__u32>(std::min(head.size(), sizeof r.head));
    return r;
}

inline at_answer_part_record answer_record(Who who, std::string_view part, std::uint32_t offset,
                                           std::uint64_t at_ns = 4000) {
    at_answer_part_record r{};
    r.header = header_of(AT_ANSWER_PART, sizeof r, who, at_ns);
    r.usage.cpu_ns = at_ns;
    r.fd = 5;
    r.offset = offset;
    set_text(r.part, part);
    r.part_size = static_cast<__u32>(std::min(part.size(), sizeof r.part));
    r.received = static_cast<__u32>(part.size());
    return r;
}

class Decoding : public ::testing::Test {
protected:
    template <class Record>
    void feed(const Record& record) {
        EXPECT_TRUE(decoder.decode(std::as_bytes(std::span(&record, 1)), batch));
    }
    template <class Body>
    [[nodiscard]] std::vector<Body> of() const {
        std::vector<Body> found;
        for (const Event& e : batch.events)
            if (const auto* body = std::get_if<Body>(&e.body)) found.push_back(*body);
        return found;
    }
    [[nodiscard]] std::string text(StringId id) const { return std::string(batch.tables.strings[id]); }

    RecordDecoder decoder{Procfs("/nonexistent")};
    EventBatch batch;
};

}  // namespace autotune::test
