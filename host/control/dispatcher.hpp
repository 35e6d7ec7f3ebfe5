// Dispatcher: hands invocations to the Invoker, within the concurrency that functions may use.
//
// Synchronous calls are answered through a callback. Event calls are accepted, run later, and tried
// again as Lambda documents: a function error twice more, after one and then two minutes; throttling
// and host failures with growing pauses for up to six hours. Accepted events are kept in memory only:
// a host that stops forgets them.
// On the event loop's thread only. REQUIRES: the Invoker is destroyed before the Dispatcher, so that
// its last callbacks find it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "host/control/call_log.hpp"
#include "host/control/store.hpp"
#include "host/invoker.hpp"
#include "net/event_loop.hpp"

namespace autotune::host {

struct DispatcherOptions {
    std::uint32_t concurrency = 1000;                   // of all functions together
    std::uint32_t event_retries = 2;                    // after function errors
    Nanos event_retry_delay = std::chrono::minutes(1);  // before the first retry; doubled for the next
    Nanos throttle_delay = std::chrono::seconds(1);     // doubled up to five minutes
    Nanos event_age_limit = std::chrono::hours(6);
    std::size_t event_limit = 10'000;  // waiting or running; more are refused
};

struct Call {
    Configuration configuration;
    std::string request_id, invoked_arn, payload, client_context, trace_id;
};

class Dispatcher {
public:
    // Where a version's code is, and what it finds below /opt. References outlive the dispatcher.
    struct Folders {
        std::function<std::filesystem::path(const Code&)> code;
        std::function<std::filesystem::path(const std::vector<AttachedLayer>&)> layers =
            [](const std::vector<AttachedLayer>&) { return std::filesystem::path(); };
    };
    Dispatcher(net::EventLoop& loop, const Clock& clock, const FunctionStore& store, Folders folders,
               DispatcherOptions options);

    // REQUIRES: called once, before anything is invoked.
    void use(Invoker& invoker);

    // `done` runs exactly once unless an error is returned (then never): TooManyRequestsException.
    Status invoke(const Call& call, std::function<void(InvokeResult)> done);
    // Accepts the call for later. Errors: TooManyRequestsException when too many wait.
    Status enqueue(Call call);
    // No new invocation will use this snapshot.
    void retire(const Configuration& configuration);

    // dispatcher_warm.cpp: orders what is provisioned for the function, as the store has it now.
    void tend_warm(const std::string& function);
    [[nodiscard]] WarmState warm_state(const std::string& function, const std::string& qualifier) const;

    // What is left for functions without a reservation.
    [[nodiscard]] std::uint32_t unreserved() const;
    [[nodiscard]] const DispatcherOptions& options() const { return options_; }
    // What became of the calls.
    [[nodiscard]] const CallLog& calls() const { return log_; }

private:
    struct Event {
        Call call;
        Timestamp accepted;
        std::uint32_t errors = 0, throttles = 0;
        net::EventLoop::Timer timer;
    };
    [[nodiscard]] FunctionVersionPtr snapshot(const Configuration& configuration);
    [[nodiscard]] Status admit(const std::string& function) const;
    [[nodiscard]] std::optional<std::uint32_t> reservation(const std::string& function) const;
    void log_throttled(const std::string& function);
    void attempt(std::uint64_t id);
    void finished(std::uint64_t id, InvokeResult::Kind kind);
    void again(std::uint64_t id, Nanos delay);

    net::EventLoop& loop_;
    const Clock& clock_;
    const FunctionStore& store_;
    Folders folders_;
    DispatcherOptions options_;
    Invoker* invoker_ = nullptr;
    std::map<std::string, FunctionVersionPtr> snapshots_;     // by name:version
    std::map<std::string, std::uint32_t, std::less<>> busy_;  // invocations now, by function
    using WarmKey = std::pair<std::string, std::string>;                // qualifier, version
    std::map<std::string, std::map<WarmKey, WarmOrder>> ordered_;       // by function
    std::map<std::uint64_t, Event> events_;
    std::uint64_t next_event_ = 1;
    CallLog log_;
};

}  // namespace autotune::host
