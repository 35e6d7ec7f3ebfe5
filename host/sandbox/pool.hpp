// SandboxPool: the Invoker that runs functions in real processes and cgroups.
//
// One sandbox serves one invocation at a time; a warm one is used again, the most recently used first,
// until it was idle for a while or its snapshot was retired. Those that are kept warm (warm_set.hpp) come first, and stay. Everything happens on the event loop's
// thread. Semantics follow AWS Lambda: what a function and its caller see of a timeout, a kill, a
// crash or a failed start is what they would see there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "host/invoker.hpp"
#include "net/event_loop.hpp"

namespace autotune::host {

class Breaks;

struct SandboxLimits {
    std::size_t account_concurrency = 1000;   // invocations at a time, all functions
    std::size_t function_concurrency = 1000;  // of one function, all its versions
    Nanos idle_timeout = std::chrono::minutes(10);
    Nanos init_timeout = std::chrono::seconds(10);
    std::uint64_t processes = 1024;  // processes and threads of one sandbox
    std::uint64_t open_files = 1024;
    // Between its answer and its next question a runtime needs microseconds, or a throttled CPU's period
    // or two. A job waits that long for a warm sandbox, about a cold start, before it is given to another.
    Nanos patience = std::chrono::milliseconds(100);
};

struct SandboxPoolOptions {
    net::EventLoop& loop;
    const Clock& clock;
    std::filesystem::path state;                     // logs/ and runtimes/ are made below it
    std::filesystem::path cgroup_root = "autotune";  // relative to the cgroup mounts
    std::string region = "us-east-1";
    std::string endpoint_url;  // of the control API: AWS_ENDPOINT_URL_LAMBDA of the functions
    std::map<std::string, std::string> probes;  // as of LaunchContext
    Breaks* breaks = nullptr;  // outlives the pool; null: no invocation is ever held for a debugger
    SandboxLimits limits;
    std::function<void(std::string_view)> note;  // one line for people on stderr; may be empty
};

class SandboxPool final : public Invoker {
public:
    // Writes the runtimes' files, makes the host's cgroups, removes those of hosts that died.
    // REQUIRES: loop and clock outlive the pool. Errors say what this machine lacks.
    static Result<std::unique_ptr<SandboxPool>> create(SandboxPoolOptions options);
    // Kills all sandboxes. Their callers get host_failure.
    ~SandboxPool() override;

    // When throttled, the payload is Lambda's Reason: "ConcurrentInvocationLimitExceeded", ….
    void invoke(InvokeRequest request, std::function<void(InvokeResult)> done) override;
    void retire(const FunctionVersion& function) override;
    void keep_warm(WarmOrder order) override;
    [[nodiscard]] WarmState warm_state(const FunctionVersion& function, const std::string& qualifier) const override;

    // Sandboxes alive, and those of them with an invocation.
    struct Count {
        std::size_t sandboxes = 0, busy = 0;
    };
    [[nodiscard]] Count count() const;
    // Relative path of all this host's cgroups below the cgroup2 mount: "autotune/4711".
    [[nodiscard]] const std::filesystem::path& cgroup_path() const;

private:
    struct Impl;
    explicit SandboxPool(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::host
