// Records whose every field differs from its default, so that a lost field shows.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/knowledge_store.hpp"
#include "knowledge/action_json.hpp"

namespace autotune::test {

// A folder that is gone when the test is over.
class TempFolder {
public:
    TempFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "autotune-test-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline WallTime at_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

inline Action resize_action(const std::string& function = "orders") {
    return {.target = {"aws-lambda", function},
            .change = Resize{128, 256},
            .rule = "out-of-memory",
            .because = "3 of 40 calls ran out of 128 MB",
            .predicted = "no OOM with 256 MB",
            .evidence = {.facts = {{"fn.oom_count", "3"}, {"fn.invocations", "40"}},
                         .from = from_ns(1'000),
                         .to = from_ns(9'007'199'254'740'993),  // not a double
                         .wall_to = WallTime(Nanos(1'795'000'000'000'000'001)),
                         .kill_time = from_ns(5'000),
                         .hottest_frame = "grow \"quoted\" ü",
                         .flame_graph = "/var/lib/autotune/orders.svg"},
            .mode = Mode::apply,
            .canary = CanaryPolicy{.latency_margin = 0.2,
                                   .error_margin = 0.03,
                                   .alpha = 0.04,
                                   .beta = 0.06,
                                   .weight = 0.1,
                                   .horizon = std::chrono::minutes(7),
                                   .on_hold = CanaryPolicy::OnHold::keep_waiting},
            .runbook = "https://example.org/oom",
            .approval_within = std::chrono::minutes(90)};
}

inline JudgeReport judge_report() {
    return {.decision = JudgeReport::Decision::promote,
            .pairs = 73,
            .canary_calls = 80,
            .canary_failures = 1,
            .baseline_calls = 700,
            .baseline_failures = 70,
            .log10_e_latency = 1.3000000000000003,
            .log10_e_errors = 2.5,
            .log10_e_harm = -0.25,
            .baseline_p95 = Nanos(123'456'789),
            .canary_p95 = Nanos(98'765'432),
            .reason = "both E values passed"};
}

inline ChangeRecord change_record(const std::string& token = "token-1") {
    ChangeRecord c;
    c.token = token;
    c.action = resize_action();
    c.before = {.alias = "live", .stable = "3", .candidate = std::nullopt, .weight = 0, .etag = "e-1"};
    c.before_head = {128, std::chrono::seconds(3), "app.handler", {"arn:aws:lambda:r:1:layer:l:2"}, "abc", R"({"a":1})"};
    c.opened = c.updated = at_ms(1000);
    c.detail = "begun";
    return c;
}

inline Invocation invocation(const std::string& id, WallTime start) {
    Invocation i;
    i.id = InvocationId(std::string_view(id));
    i.function = {"aws-lambda", "orders"};
    i.version = "7";
    i.qualifier = "live";
    i.trace_id = "Root=1-2";
    i.process = {4711, 99};
    i.cgroup = CgroupId(0xffff'ffff'ffff'fff0);  // needs the sign bit
    i.by = Backend::ptrace;
    i.start = from_ns(10);
    i.end = from_ns(30);
    i.wall_start = start;
    i.duration = Nanos(20);
    i.time_limit = std::chrono::seconds(3);
    i.status = InvocationStatus::out_of_memory;
    i.error_type = "Runtime.OutOfMemory";
    i.cold = true;
    i.init = Nanos(41);
    i.cpu = Nanos(42);
    i.runnable = Nanos(43);
    i.network_wait = Nanos(44);
    i.disk_wait = Nanos(45);
    i.thread = {.wall = Nanos(70), .on_cpu = Nanos(42), .minor_faults = 48, .major_faults = 49};
    for (std::size_t cause = 0; cause < kWaitCauseCount; ++cause)
        i.thread.off_cpu[cause] = Nanos(static_cast<std::int64_t>(cause) + 1);
    i.memory_peak = 126U << 20U;
    i.memory_peak_is_bound = true;
    i.memory_limit = 128U << 20U;
    i.memory_mb = 128;
    i.request_bytes = 46;
    i.response_bytes = 47;
    i.peers = {{.peer = ipv4_endpoint(10, 0, 0, 7, 443),
                .name = "payments",
                .connects = 1,
                .failures = 2,
                .failed_connects = 1,
                .calls = 3,
                .bytes_sent = 4,
                .bytes_received = 5,
                .wait = Nanos(6),
                .slowest = Nanos(7)}};
    i.peers[0].retransmits = 3;
    i.peers[0].resets = 2;
    i.not_decoded = {{"io_uring", 4}};
    i.calls = {{.function = "prices", .trace_id = "Root=1-2;Parent=3", .start = Nanos(11), .duration = Nanos(12), .status = 202}};
    i.calls_not_kept = 13;
    i.files = {{.path = "/tmp/x",
                .opens = 1,
                .bytes_read = 2,
                .bytes_written = 3,
                .syncs = 4,
                .lists = 7,
                .changes = 8,
                .failures = 5,
                .wait = Nanos(6)}};
    i.samples = 48;
    i.events_lost = 49;
    i.usage_is_shared = true;
    i.held = true;
    i.boundary = Boundary::http;
    i.io_ambiguous = 50;
    return i;
}

inline void expect_same(const ChangeRecord& a, const ChangeRecord& b) {
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.token, b.token);
    EXPECT_EQ(to_json(a.action), to_json(b.action));
    EXPECT_TRUE(a.before.same_split(b.before));
    EXPECT_EQ(a.before.etag, b.before.etag);
    EXPECT_EQ(a.before_head, b.before_head);
    EXPECT_EQ(a.step, b.step);
    EXPECT_EQ(a.disposition, b.disposition);
    EXPECT_EQ(a.candidate, b.candidate);
    EXPECT_EQ(a.candidate_published, b.candidate_published);
    ASSERT_EQ(a.judged.has_value(), b.judged.has_value());
    if (a.judged) {
        EXPECT_EQ(to_json(*a.judged), to_json(*b.judged));
    }
    EXPECT_EQ(a.opened, b.opened);
    EXPECT_EQ(a.updated, b.updated);
    EXPECT_EQ(a.detail, b.detail);
}

}  // namespace autotune::test
