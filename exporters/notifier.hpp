// Notifiers: sinks that tell people, about Notify outcomes and about changes that have ended.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "core/sink.hpp"
#include "core/time.hpp"
#include "exporters/notification_target.hpp"
#include "net/http_client.hpp"
#include "net/retry.hpp"

namespace autotune::exporters {

// One readable block a message. REQUIRES: `clock` and `out` outlive it; `out` is not closed.
class StdoutNotifier final : public Sink {
public:
    explicit StdoutNotifier(const Clock& clock, std::FILE* out = stdout) : clock_(clock), out_(out) {}
    Status publish(const Publication& step) override;  // unavailable: could not be written

private:
    const Clock& clock_;
    std::FILE* out_;
};

struct WebhookOptions {
    std::string url;                    // http:// or https://, with path: a webhook; "": target
    NotificationTarget target = {};
    std::string receiver = "autotune";  // "receiver" in the body of a webhook
    std::size_t queue_limit = 1000;     // messages waiting; more are dropped and counted
    net::RetryPolicy retry = {};
    net::HttpClientOptions http = {.timeout = std::chrono::seconds(10)};
    Nanos flush_limit = std::chrono::seconds(3);  // how long the destructor waits for what is queued
    Nanos repeat_after = std::chrono::minutes(10);  // the same title of the same alert is news again
};

struct WebhookCounts {
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;  // the queue was full, the receiver refused, or all tries failed
    std::uint64_t repeated = 0;  // the same again within repeat_after: not sent
    std::uint64_t retries = 0;
    std::string last_error;  // of the last drop or retry, "" when none
};

// Delivers each message to a target (exporters/notification_target.hpp), from a thread of its own: publish() only
// queues. A message is tried again on no answer, 408, 429 and 5xx; other refusals drop it.
class WebhookNotifier final : public Sink {
public:
    // Errors: invalid_argument, the URL is none. REQUIRES: `clock` outlives it.
    static Result<std::unique_ptr<WebhookNotifier>> create(const Clock& clock, WebhookOptions options);
    ~WebhookNotifier()
        override;  // delivers what is queued for flush_limit and about 1 s at most, drops the rest

    Status publish(const Publication& step) override;  // never fails: drops are counted
    [[nodiscard]] WebhookCounts counts() const;        // thread-safe

private:
    struct Impl;
    explicit WebhookNotifier(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::exporters
