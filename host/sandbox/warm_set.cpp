#include "host/sandbox/warm_set.hpp"

#include <algorithm>
#include <utility>

namespace autotune::host {
namespace {

constexpr std::size_t kStartingAtOnce = 8;  // more would only wait for one another's CPU
constexpr unsigned kFailed = 3;
constexpr Nanos kFirstPause = std::chrono::milliseconds(500), kLongestPause = std::chrono::minutes(1);

}  // namespace

bool is_qualified(std::string_view arn, std::string_view qualifier) {
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER
    for (int colons = 0; colons < 7; ++colons) {
        const auto at = arn.find(':');
        if (at == std::string_view::npos) return false;
        arn.remove_prefix(at + 1);
    }
    return arn == qualifier;
}

void WarmSet::order(WarmOrder wanted) {
    const Key of = key(*wanted.function, wanted.qualifier);
    if (wanted.count == 0) {
        const auto found = kept_.find(of);
        if (found == kept_.end()) return;
        found->second.order.count = 0;
        tend(found->second);
        kept_.erase(found);
        return;
    }
    Kept& kept = kept_[of];
    kept = {.order = std::move(wanted), .reached = false, .failures = 0, .pauses = false, .failure = {}, .again = {}};
    tend(kept);
}

WarmSet::Alive WarmSet::alive(const WarmOrder& order) const {
    Alive all;
    for (const auto& sandbox : sandboxes_) {
        const FunctionVersion& function = sandbox->function();
        if (sandbox->leaving() || sandbox->kept_for() != order.qualifier || function.name != order.function->name ||
            function.version != order.function->version)
            continue;
        (!sandbox->initialized() ? all.starting : sandbox->busy() ? all.busy : all.idle).push_back(sandbox.get());
    }
    return all;
}

void WarmSet::tend(Kept& kept) {
    kept.pauses = false;
    Alive now = alive(kept.order);
    if (now.idle.size() + now.busy.size() >= kept.order.count) kept.reached = true;
    std::size_t surplus = now.all() > kept.order.count ? now.all() - kept.order.count : 0;
    for (auto* of_one_state : {&now.starting, &now.idle, &now.busy})
        for (Sandbox* sandbox : *of_one_state)
            if (surplus > 0) --surplus, sandbox->retire();
    std::size_t room = now.starting.size() < kStartingAtOnce ? kStartingAtOnce - now.starting.size() : 0;
    for (std::size_t missing = kept.order.count - std::min<std::size_t>(now.all(), kept.order.count); missing > 0 && room > 0; --missing, --room)
        if (const Status started = start_(kept.order); !started) return failed(kept, started.error().message);
}

void WarmSet::tend_later(Kept& kept, Nanos pause) {
    kept.again = loop_.after(pause, [this, &kept] { tend(kept); });
}

void WarmSet::failed(Kept& kept, const std::string& why) {
    if (std::exchange(kept.pauses, true)) return;
    Nanos pause = kFirstPause;
    for (unsigned i = 0; i < kept.failures && pause < kLongestPause; ++i) pause *= 2;
    if (++kept.failures >= kFailed) kept.failure = why;
    tend_later(kept, std::min(pause, kLongestPause));
}

void WarmSet::rests(const Sandbox& sandbox) {
    const auto found = kept_.find(key(sandbox.function(), sandbox.kept_for()));
    if (sandbox.kept_for().empty() || found == kept_.end()) return;
    Kept& kept = found->second;
    kept.failures = 0;
    kept.failure.clear();
    if (!kept.reached) tend_later(kept, Nanos(0));
}

void WarmSet::gone(const FunctionVersion& function, const std::string& kept_for, Had had) {
    const auto found = kept_.find(key(function, kept_for));
    if (kept_for.empty() || found == kept_.end()) return;
    if (had == Had::started) return tend_later(found->second, Nanos(0));
    failed(found->second, "FUNCTION_ERROR_INIT_FAILURE");
}

WarmState WarmSet::state(const FunctionVersion& function, const std::string& qualifier) const {
    const auto found = kept_.find(key(function, qualifier));
    if (found == kept_.end()) return {};
    const Kept& kept = found->second;
    const Alive now = alive(kept.order);
    WarmState out;
    out.allocated = static_cast<std::uint32_t>(now.all());
    out.available = static_cast<std::uint32_t>(now.idle.size() + now.busy.size());
    out.reached = kept.reached || out.available >= kept.order.count;
    out.failure = kept.failure;
    return out;
}

}  // namespace autotune::host
