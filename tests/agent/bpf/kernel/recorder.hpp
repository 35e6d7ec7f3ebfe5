// A BPF source, on what the test names, and all that it has told so far.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/bpf/bpf_source.hpp"
#include "tests/agent/bpf/kernel/own_cgroup.hpp"

namespace autotune::test {

// Skips with the reason where this machine cannot run the source at all. A failure of ours is not a reason:
// only missing rights or kernel features are.
#define AUTOTUNE_NEEDS_BPF()                                                                        \
    do {                                                                                            \
        if (geteuid() != 0) GTEST_SKIP() << "needs root";                                           \
        if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) GTEST_SKIP() << "this kernel has no BTF"; \
        if (!detect_cgroup_layout()) GTEST_SKIP() << "no cgroup2 mount";                            \
    } while (false)

class Recorder {
public:
    explicit Recorder(std::vector<std::string> cgroups, BpfSourceOptions options = {})
        : Recorder(Detail{.cgroups = std::move(cgroups)}, std::move(options)) {}
    explicit Recorder(const Detail& detail, BpfSourceOptions options = {}) {
        auto made = make_bpf_source(std::move(options));
        if (!made) {
            ADD_FAILURE() << made.error().message;
            return;
        }
        source = *std::move(made);
        if (auto s = source->focus(detail); !s) ADD_FAILURE() << s.error().message;
        if (auto s = source->start(); !s) ADD_FAILURE() << s.error().message;
    }

    // Polls until `enough`, at most a minute: a busy machine is no fault. False when it never was.
    bool poll_until(const std::function<bool()>& enough) {
        const Timestamp end = clock.now() + std::chrono::seconds(60);
        while (!enough()) {
            if (clock.now() > end) return false;
            const auto p = source->poll(std::chrono::milliseconds(20), batch);
            if (!p) {
                ADD_FAILURE() << p.error().message;
                return false;
            }
            was_urgent = was_urgent || p->urgent;
            has_ended = p->state == PollState::ended;
        }
        return true;
    }
    // Everything up to the end of that process.
    bool poll_until_exit(pid_t pid) {
        return poll_until([&] { return !of<ProcessExited>(pid).empty(); });
    }

    // Bodies of one type, of one process or (0) of all.
    template <class Body>
    [[nodiscard]] std::vector<Body> of(pid_t pid = 0) const {
        std::vector<Body> found;
        for (const Event& e : batch.events)
            if (const auto* body = std::get_if<Body>(&e.body); body && (pid == 0 || e.process.pid == pid))
                found.push_back(*body);
        return found;
    }
    template <class Body>
    [[nodiscard]] std::vector<Event> events_of(pid_t pid = 0) const {
        std::vector<Event> found;
        for (const Event& e : batch.events)
            if (std::holds_alternative<Body>(e.body) && (pid == 0 || e.process.pid == pid))
                found.push_back(e);
        return found;
    }
    [[nodiscard]] std::string text(StringId id) const { return std::string(batch.tables.strings[id]); }

    SystemClock clock;
    std::unique_ptr<BpfSource> source;
    EventBatch batch;
    bool was_urgent = false;  // some poll was
    bool has_ended = false;   // the last poll said so
};

}  // namespace autotune::test
