// A child process that writes a ring as a library of probes would, and a source that reads it to the end.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "agent/runtime/runtime_source.hpp"
#include "runtimes/ring_process.h"

namespace autotune::testing {

// In the child: the writer's side in the fewest words.
struct RingChild {
    static __u64 name(const std::string& text) {
        return at_ring_name_function(at_ring_process, text.data(), text.size(), "app.py", 6, 7);
    }
    static void enter(__u64 function) { at_ring_enter(at_ring_self(), function, 0); }
    static void leave(__u64 function) { at_ring_leave(at_ring_self_or_null(), function, AT_RING_RETURNED); }
    static void call(__u64 function) {
        enter(function);
        leave(function);
    }
};

class RingStory : public ::testing::Test {
protected:
    void SetUp() override {
        auto folder = runtime::make_ring_folder(geteuid());
        ASSERT_TRUE(folder.has_value());
        owned_ = *std::move(folder);
        folder_ = owned_.path();
    }

    // Runs `body` in a child with a ring in the folder. It ends by _exit, so the child's own way to end
    // counts.
    pid_t start(const std::function<void()>& body) {
        const pid_t child = fork();
        if (child != 0) return child;
        if (at_ring_start(folder_.c_str(), AT_RING_PYTHON) != 0) _exit(9);
        at_ring_open();
        body();
        _exit(0);
    }
    [[nodiscard]] bool has_rings() const {
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            if (entry.path().extension() == ".python" || entry.path().extension() == ".native") return true;
        return false;
    }
    static void reap(pid_t child) {
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
    }

    void open_source(runtime::RuntimeOptions options = {}) {
        options.folder = folder_;
        source_ = runtime::make_runtime_source(options);
        ASSERT_TRUE(source_->start().has_value());
    }
    void poll() { ASSERT_TRUE(source_->poll(std::chrono::milliseconds(20), batch_).has_value()); }
    // Until every ring was read to its end, and at least `processes` had one.
    void read_all(std::uint64_t processes = 1) {
        if (!source_) open_source();
        do poll();
        while (source_->health().processes < processes || source_->health().rings > 0);
    }

    [[nodiscard]] std::string name_of(FrameId frame) const {
        return std::string(batch_.tables.strings[batch_.tables.frames[frame].name]);
    }
    template <class Body>
    [[nodiscard]] std::vector<Body> all() const {
        std::vector<Body> found;
        for (const Event& event : batch_.events)
            if (const auto* body = std::get_if<Body>(&event.body)) found.push_back(*body);
        return found;
    }
    [[nodiscard]] std::uint64_t total_calls(const std::string& function) const {
        std::uint64_t calls = 0;
        for (const CallTotals& totals : all<CallTotals>())
            if (name_of(totals.function) == function) calls += totals.calls;
        return calls;
    }
    [[nodiscard]] std::uint64_t lost(LossKind kind) const {
        std::uint64_t count = 0;
        for (const Lost& loss : all<Lost>())
            if (loss.kind == kind) count += loss.count;
        return count;
    }

    OwnedFolder owned_;
    std::string folder_;
    std::unique_ptr<runtime::RuntimeSource> source_;
    EventBatch batch_;
};

}  // namespace autotune::testing
