#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "exporters/message.hpp"
#include "exporters/message_forms.hpp"
#include "exporters/notifier.hpp"

namespace autotune::exporters {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

bool worth_retrying(int status) { return status == 408 || status == 429 || status >= 500; }

}  // namespace

struct WebhookNotifier::Impl {
    Impl(const Clock& given_clock, WebhookOptions given) : clock(given_clock), options(std::move(given)) {
        options.http.give_up = [this] { return out_of_time(); };
        thread = std::thread([this] { run(); });
    }

    void stop() {
        {
            const std::lock_guard lock(mutex);
            stopping = std::chrono::steady_clock::now() +
                       std::chrono::duration_cast<SteadyTime::duration>(options.flush_limit);
        }
        wake.notify_all();
        thread.join();
    }

    bool out_of_time() {
        const std::lock_guard lock(mutex);
        return stopping && std::chrono::steady_clock::now() >= *stopping;
    }

    void enqueue(Message message) {
        const std::lock_guard lock(mutex);
        if (queue.size() >= options.queue_limit) {
            ++counts.dropped;
            counts.last_error = "the queue is full";
            return;
        }
        if (is_repeated(message)) {
            ++counts.repeated;
            return;
        }
        queue.push_back(std::move(message));
        wake.notify_all();
    }

    void run();
    bool is_repeated(const Message& message);
    void deliver(net::HttpClient& client, const Message& message);
    void pause(Nanos delay);

    const Clock& clock;
    WebhookOptions options;

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Message> queue;
    std::map<std::pair<std::string, std::string>, Timestamp> told;  // fingerprint, title
    std::optional<SteadyTime> stopping;  // set by the destructor: all is over then
    WebhookCounts counts;
    std::thread thread;
};

void WebhookNotifier::Impl::run() {
    net::HttpClient client(options.http);
    std::unique_lock lock(mutex);
    while (true) {
        wake.wait(lock, [&] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
        if (stopping && std::chrono::steady_clock::now() >= *stopping) {
            counts.dropped += queue.size();
            counts.last_error = "the agent ended before they could be delivered";
            return;
        }
        const Message message = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        deliver(client, message);
        lock.lock();
    }
}

bool WebhookNotifier::Impl::is_repeated(const Message& message) {
    const Timestamp now = clock.now();
    std::erase_if(told, [&](const auto& one) { return now - one.second >= options.repeat_after; });
    return !told.emplace(std::pair(fingerprint(message), message.title), now).second;
}

void WebhookNotifier::Impl::deliver(net::HttpClient& client, const Message& message) {
    thread_local std::minstd_rand random(std::random_device{}());
    Progress progress;
    for (unsigned attempt = 0;; ++attempt) {
        const auto answer = exporters::deliver(client, options.target, message, progress);
        const bool delivered = answer && answer->status >= 200 && answer->status < 300;
        const bool final_refusal =
            answer ? !worth_retrying(answer->status) : answer.error().code == Errc::invalid_argument;
        const bool last = final_refusal || attempt + 1 >= options.retry.attempts || out_of_time();
        {
            const std::lock_guard lock(mutex);
            if (delivered) {
                ++counts.delivered;
                return;
            }
            counts.last_error = options.target.shown() +
                                (answer ? " answered " + std::to_string(answer->status) : ": " + answer.error().message);
            ++(last ? counts.dropped : counts.retries);
            if (last) told.erase({fingerprint(message), message.title});  // it was not: the next one is news
        }
        if (last) return;
        pause(backoff(options.retry, attempt, std::uniform_real_distribution<>()(random)));
    }
}

// Ends early when the notifier is destroyed: then time is short.
void WebhookNotifier::Impl::pause(Nanos delay) {
    std::unique_lock lock(mutex);
    const bool was_stopping = stopping.has_value();
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<SteadyTime::duration>(delay);
    wake.wait_until(lock, was_stopping ? std::min(until, *stopping) : until,
                    [&] { return stopping.has_value() && !was_stopping; });
}

Result<std::unique_ptr<WebhookNotifier>> WebhookNotifier::create(const Clock& clock, WebhookOptions options) {
    if (!options.url.empty()) {
        auto target = parse_target("webhook=" + options.url);
        if (!target) return target.forward();
        target->receiver = options.receiver;
        options.target = *std::move(target);
    }
    return std::unique_ptr<WebhookNotifier>(new WebhookNotifier(std::make_unique<Impl>(clock, std::move(options))));
}

WebhookNotifier::WebhookNotifier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebhookNotifier::~WebhookNotifier() { impl_->stop(); }

Status WebhookNotifier::publish(const Publication& step) {
    const TwoClocks clocks{impl_->clock.now(), impl_->clock.wall()};
    for (const Outcome& outcome : step.outcomes)
        if (auto message = message_of(outcome, clocks)) impl_->enqueue(*std::move(message));
    return ok();
}

WebhookCounts WebhookNotifier::counts() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->counts;
}

}  // namespace autotune::exporters
