#include "host/control/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "host/control/faults.hpp"

namespace autotune::host {
namespace {

std::string key_of(const Configuration& configuration) {
    return configuration.function + ":" + configuration.version;
}

Nanos doubled(Nanos first, std::uint32_t times, Nanos most) {
    for (; times > 0 && first < most; --times) first *= 2;
    return std::min(first, most);
}

}  // namespace

Dispatcher::Dispatcher(net::EventLoop& loop, const Clock& clock, const FunctionStore& store, Folders folders,
                       DispatcherOptions options)
    : loop_(loop), clock_(clock), store_(store), folders_(std::move(folders)), options_(options) {}

FunctionVersionPtr Dispatcher::snapshot(const Configuration& c) {
    auto& known = snapshots_[key_of(c)];
    if (known) return known;
    auto made = std::make_shared<FunctionVersion>();
    made->name = c.function;
    made->version = c.version;
    made->arn = function_arn(store_.home(), c.function);
    made->runtime = c.settings.runtime;
    made->handler = c.settings.handler;
    made->memory_mb = c.settings.memory_mb;
    made->timeout = std::chrono::seconds(c.settings.timeout_s);
    made->environment = c.settings.environment;
    made->code = folders_.code(c.code);
    made->layers = folders_.layers(c.settings.layers);
    made->revision_id = c.revision_id;
    return known = std::move(made);
}

std::uint32_t Dispatcher::unreserved() const {
    std::uint32_t reserved = 0;
    for (const auto& [name, function] : store_.all()) reserved += function.reserved_concurrency.value_or(0);
    return reserved < options_.concurrency ? options_.concurrency - reserved : 0;
}

std::optional<std::uint32_t> Dispatcher::reservation(const std::string& function) const {
    const auto found = store_.find(function);
    return found ? found->get().reserved_concurrency : std::nullopt;
}

void Dispatcher::log_throttled(const std::string& function) {
    LoggedCall call;
    call.function = function;
    call.at = clock_.wall();
    call.throttled = true;
    call.limit = reservation(function);
    log_.add(std::move(call));
}

Status Dispatcher::admit(const std::string& function) const {
    const auto reserved = reservation(function);
    if (reserved) {
        const auto busy = busy_.find(function);
        if ((busy == busy_.end() ? 0 : busy->second) < *reserved) return ok();
        return lambda_fault(Fault::too_many_requests, "Rate Exceeded.");
    }
    std::uint32_t running = 0;
    for (const auto& [name, count] : busy_) {
        const auto other = store_.find(name);
        if (!other || !other->get().reserved_concurrency) running += count;
    }
    if (running < unreserved()) return ok();
    return lambda_fault(Fault::account_throttled, "Rate Exceeded.");
}

Status Dispatcher::invoke(const Call& call, std::function<void(InvokeResult)> done) {
    const auto& function = call.configuration.function;
    if (auto admitted = admit(function); !admitted) {
        log_throttled(function);
        return admitted;
    }
    ++busy_[function];
    LoggedCall answered;
    answered.function = function;
    answered.id = call.request_id;
    answered.version = call.configuration.version + " " + call.configuration.revision_id;
    answered.input = log_.hash(call.payload, call.client_context);
    InvokeRequest request{snapshot(call.configuration), call.request_id, call.invoked_arn, call.payload,
                          call.client_context,          call.trace_id};
    invoker_->invoke(std::move(request), [this, answered = std::move(answered), done = std::move(done)](InvokeResult result) mutable {
        const std::string& called = answered.function;
        if (const auto busy = busy_.find(called); --busy->second == 0) busy_.erase(busy);
        if (result.kind == InvokeResult::Kind::throttled) log_throttled(called);
        if (result.kind == InvokeResult::Kind::ok) {
            answered.at = clock_.wall();
            answered.output = log_.hash(result.payload, "");
            log_.add(std::move(answered));
        }
        done(std::move(result));
    });
    return ok();
}

Status Dispatcher::enqueue(Call call) {
    if (events_.size() >= options_.event_limit)
        return lambda_fault(Fault::account_throttled, "Too many events are waiting");
    const auto id = next_event_++;
    auto& event = events_[id];
    event.call = std::move(call);
    event.accepted = clock_.now();
    again(id, Nanos(0));
    return ok();
}

void Dispatcher::again(std::uint64_t id, Nanos delay) {
    auto& event = events_.at(id);
    if (clock_.now() + delay - event.accepted > options_.event_age_limit) {
        events_.erase(id);
        return;
    }
    event.timer = loop_.after(delay, [this, id] { attempt(id); });
}

void Dispatcher::attempt(std::uint64_t id) {
    const auto found = events_.find(id);
    if (found == events_.end()) return;
    auto& call = found->second.call;
    // While the event waited, $LATEST may have changed and the version may have been removed.
    auto current = store_.resolve({call.configuration.function, call.configuration.version});
    if (!current) {
        events_.erase(found);
        return;
    }
    call.configuration = *std::move(current);
    const auto started = invoke(call, [this, id](const InvokeResult& result) { finished(id, result.kind); });
    if (!started) finished(id, InvokeResult::Kind::throttled);
}

void Dispatcher::finished(std::uint64_t id, InvokeResult::Kind kind) {
    const auto found = events_.find(id);
    if (found == events_.end()) return;
    auto& event = found->second;
    switch (kind) {
        case InvokeResult::Kind::ok: events_.erase(found); break;
        case InvokeResult::Kind::function_error:
            if (event.errors++ == options_.event_retries)
                events_.erase(found);
            else
                again(id, doubled(options_.event_retry_delay, event.errors - 1, std::chrono::hours(1)));
            break;
        case InvokeResult::Kind::throttled:
        case InvokeResult::Kind::host_failure:
            again(id, doubled(options_.throttle_delay, event.throttles++, std::chrono::minutes(5)));
            break;
    }
}

void Dispatcher::retire(const Configuration& configuration) {
    const auto found = snapshots_.find(key_of(configuration));
    if (found == snapshots_.end()) return;
    const auto old = std::exchange(found->second, nullptr);
    snapshots_.erase(found);
    invoker_->retire(*old);
}

}  // namespace autotune::host
