// A host's pool on a real loop with real cgroups, and functions written in place: for kernel tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "host/sandbox/pool.hpp"
#include "net/event_loop.hpp"
#include "os/cgroup_layout.hpp"
#include "os/cgroup_tree.hpp"
#include "tests/host/sandbox/scratch.hpp"

namespace autotune::host {

// The loop runs on a thread of its own; everything of the pool happens there.
class SandboxWorld : public ::testing::Test {
protected:
    SandboxWorld() : thread_([this] { loop.run(); }) {}
    ~SandboxWorld() override {
        stop_pool();
        loop.stop();
        thread_.join();
        (void)remove_cgroup_subtree(detect_cgroup_layout().value(), cgroup_root);
    }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root for cgroups";
    }

    // Before the first use of pool(). Which sandbox a call gets is not for how busy the machine is to decide.
    SandboxLimits limits{.patience = std::chrono::seconds(60)};
    const std::string cgroup_root = "autotune-test-" + std::to_string(::getpid());

    // On the loop's thread.
    SandboxPool& pool() {
        if (pool_) return *pool_;
        auto made = SandboxPool::create({.loop = loop,
                                         .clock = clock,
                                         .state = scratch.path() / "state",
                                         .cgroup_root = cgroup_root,
                                         .endpoint_url = "http://127.0.0.1:9",
                                         .limits = limits});
        if (!made) ADD_FAILURE() << made.error().message;
        pool_ = std::move(made).value();
        return *pool_;
    }

    void stop_pool() {
        on_loop([this] { pool_.reset(); });
    }

    template <class F>
    auto on_loop(F work) -> decltype(work()) {
        std::packaged_task<decltype(work())()> task(std::move(work));
        auto result = task.get_future();
        loop.post([&task] { task(); });
        return result.get();
    }

    // Whether `holds` became true, asked on the loop every millisecond.
    bool eventually(std::function<bool()> holds, Nanos limit = std::chrono::seconds(20)) {
        std::promise<bool> answer;
        net::EventLoop::Timer timer;
        const Timestamp end = clock.now() + limit;
        std::function<void()> ask = [&] {
            const bool yes = holds();
            if (yes || clock.now() > end) return answer.set_value(yes);
            timer = loop.after(std::chrono::milliseconds(1), ask);
        };
        loop.post(ask);
        return answer.get_future().get();
    }

    std::shared_ptr<FunctionVersion> python(const std::string& name, const std::string& source) {
        auto function = std::make_shared<FunctionVersion>();
        function->name = name;
        function->version = "$LATEST";
        function->arn = "arn:aws:lambda:us-east-1:000000000000:function:" + name;
        function->runtime = "python3.11";
        function->handler = "app.handler";
        function->code = scratch.path() / "code" / name;
        function->revision_id = "r1";
        function->memory_mb = 512;
        function->timeout = std::chrono::seconds(10);
        write_text(function->code / "app.py", source);
        return function;
    }

    std::shared_ptr<FunctionVersion> provided(const std::string& name, const std::string& bootstrap) {
        auto function = python(name, "");
        function->runtime = "provided.al2023";
        write_text(function->code / "bootstrap", bootstrap);
        std::filesystem::permissions(function->code / "bootstrap", std::filesystem::perms(0755));
        return function;
    }

    std::string next_request_id() {
        return "00000000-0000-0000-0000-" + std::to_string(100000000000 + ++requests_);
    }

    // Begins an invocation; the answer comes, exactly once, into the future.
    std::future<InvokeResult> begin(const FunctionVersionPtr& function, const std::string& payload = "{}") {
        auto answer = std::make_shared<std::promise<InvokeResult>>();
        loop.post([=, this, id = next_request_id()] {
            pool().invoke(
                {.function = function, .request_id = id, .invoked_arn = function->arn, .payload = payload},
                [answer](InvokeResult result) { answer->set_value(std::move(result)); });
        });
        return answer->get_future();
    }

    InvokeResult finish(std::future<InvokeResult> answer) {
        if (answer.wait_for(std::chrono::seconds(30)) == std::future_status::ready) return answer.get();
        ADD_FAILURE() << "no answer within 30 s";
        return {.kind = InvokeResult::Kind::host_failure};
    }

    InvokeResult invoke(const FunctionVersionPtr& function, const std::string& payload = "{}") {
        return finish(begin(function, payload));
    }

    std::size_t sandboxes() {
        return on_loop([this] { return pool().count().sandboxes; });
    }
    bool all_gone() {
        return eventually([this] { return pool().count().sandboxes == 0; });
    }

    net::EventLoop loop;
    SystemClock clock;
    Scratch scratch;

private:
    std::unique_ptr<SandboxPool> pool_;
    std::atomic<std::uint64_t> requests_ = 0;
    std::thread thread_;
};

}  // namespace autotune::host
