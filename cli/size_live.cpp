#include "cli/size_live.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <thread>

#include "providers/admission.hpp"
#include "providers/copies.hpp"

namespace autotune::cli {

namespace {

constexpr std::string_view kSuffix = "-autotune-size";
constexpr int kTries = 8;  // of a call that is throttled, or of a change that meets another
constexpr Nanos kPause = std::chrono::milliseconds(250);

// The copy, while it is there.
class Copy {
public:
    static Result<Copy> make(Provider& provider, const FunctionRef& original, const std::string& alias) {
        auto state = provider.get(original);
        if (!state) return state.forward("looking at " + original.name);
        const Routing* route = choose_alias(*state, alias);
        const Version serving = route != nullptr ? route->stable : "$LATEST";
        auto package = provider.package(original, serving);
        if (!package) return package.forward("copying " + original.name);
        if (const Status possible = can_be_copied(*package); !possible) return possible.forward("copying " + original.name);
        package->labels = {{kCopyLabel, original.name}};
        const FunctionRef copy{original.provider, original.name + std::string(kSuffix)};
        const auto before = provider.get(copy);  // of a search that was killed
        if (!before && before.error().code != Errc::not_found) return before.forward("looking for an earlier copy");
        if (before && !is_copy(*before, original))
            return fail(Errc::unsupported, "there is a function " + copy.name + ", which is no copy that autotune made");
        auto made = provider.deploy(copy, *package, before ? before->etag : Etag());
        if (!made) return made.forward("copying " + original.name);
        return Copy(provider, copy, made->etag);
    }
    ~Copy() {
        if (provider_ == nullptr) return;
        if (const Status gone = provider_->remove(function_); !gone)
            std::fprintf(stderr, "autotune size: %s is left: %s\n", function_.name.c_str(), gone.error().message.c_str());
    }
    Copy(Copy&& o) noexcept
        : provider_(std::exchange(o.provider_, nullptr)), function_(std::move(o.function_)), etag_(std::move(o.etag_)),
          versions_(std::move(o.versions_)) {}
    Copy& operator=(Copy&&) = delete;

    Result<SizeRow> call(std::uint32_t mb, const std::string& payload) {
        const auto version = version_of(mb);
        if (!version) return version.forward("a size of " + std::to_string(mb) + " MB");
        for (int tries = 1;; ++tries) {
            const auto began = std::chrono::steady_clock::now();
            const auto answer = provider_->invoke(function_, *version, payload);
            const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
            if (answer) return size_row_of(*answer, mb, ms);
            if (answer.error().code != Errc::resource_exhausted || tries == kTries) return answer.forward();
            std::this_thread::sleep_for(kPause);  // throttled
        }
    }

private:
    Copy(Provider& provider, FunctionRef function, Etag etag)
        : provider_(&provider), function_(std::move(function)), etag_(std::move(etag)) {}

    Result<Version> version_of(std::uint32_t mb) {
        if (const auto known = versions_.find(mb); known != versions_.end()) return known->second;
        ConfigDelta delta;
        delta.memory_mb = mb;
        auto state = provider_->configure(function_, delta, etag_);
        for (int tries = 1; !state && state.error().code == Errc::conflict && tries < kTries; ++tries) {
            std::this_thread::sleep_for(kPause);
            const auto now = provider_->get(function_);  // publishing gives the head another etag
            if (now) state = provider_->configure(function_, delta, now->etag);
        }
        if (!state) return state.forward();
        etag_ = state->etag;
        auto version = provider_->publish(function_, etag_);
        if (!version) return version.forward();
        return versions_[mb] = *std::move(version);
    }

    Provider* provider_;
    FunctionRef function_;
    Etag etag_;
    std::map<std::uint32_t, Version> versions_;
};

// Calls of a copy, one after the other.
class Calls {
public:
    Calls(const LiveSize& wish, Copy& copy) : wish_(wish), copy_(copy) {}

    Result<std::optional<SizeRow>> draw(std::uint32_t mb, const std::string& payload) {
        if (wish_.stop()) return std::optional<SizeRow>();
        auto row = copy_.call(mb, payload);
        if (!row) return row.forward();
        // The first call of a size is cold, and tells of starts, unless it shows that the size is too small.
        if (!std::exchange(warm_[mb], true) && row->end == SizeRow::End::ok) {
            auto second = copy_.call(mb, payload);
            if (!second) return second.forward();
            second->duration_ms_before = row->duration_ms, second->init_ms_before = row->init_ms;
            row = std::move(second);
        }
        wish_.progress(*row);
        return std::optional(*row);
    }

private:
    const LiveSize& wish_;
    Copy& copy_;
    std::map<std::uint32_t, bool> warm_;
};

Result<Copy> copy_of(const LiveSize& wish, Provider& provider) {
    return Copy::make(provider, {std::string(provider.name()), wish.function}, wish.alias);
}

}  // namespace

SizeRow size_row_of(const Answer& answer, std::uint32_t memory_mb, double told_ms) {
    static const RE2 duration(R"(\bDuration: ([0-9.]+) ms)"), init(R"(\bInit Duration: ([0-9.]+) ms)"), peak(R"(Max Memory Used: ([0-9]+) MB)");
    static const RE2 out_of_memory(R"(Error Type: Runtime\.OutOfMemory|Runtime\.ExitError.*signal: killed)");
    static const RE2 timed_out(R"(Task timed out|Status: timeout)");
    SizeRow row{.memory_mb = memory_mb, .duration_ms = told_ms};
    RE2::PartialMatch(answer.log_tail, duration, &row.duration_ms);
    RE2::PartialMatch(answer.log_tail, peak, &row.peak_mb);
    RE2::PartialMatch(answer.log_tail, init, &row.init_ms);
    if (!answer.function_error) return row;
    const std::string all = answer.log_tail + "\n" + answer.payload;
    row.end = RE2::PartialMatch(all, timed_out)       ? SizeRow::End::timeout
              : RE2::PartialMatch(all, out_of_memory) ? SizeRow::End::oom
                                                      : SizeRow::End::error;
    return row;
}

Result<SizeRun> size_live(const LiveSize& wish, Provider& provider) {
    auto copy = copy_of(wish, provider);
    if (!copy) return copy.forward();
    Calls calls(wish, *copy);
    std::size_t turn = 0;
    return search(wish.sizes_mb, wish.known, wish.order,
                  [&](std::uint32_t mb) { return calls.draw(mb, wish.payloads[turn++ % wish.payloads.size()]); });
}

Result<MixRun> size_live_mix(const LiveSize& wish, const std::vector<BucketShare>& shares, rules::sizing::Limit limit, Provider& provider) {
    auto copy = copy_of(wish, provider);
    if (!copy) return copy.forward();
    Calls calls(wish, *copy);
    return search_mix(shares, wish.sizes_mb, wish.order, limit,
                      [&](std::size_t bucket, std::uint32_t mb) { return calls.draw(mb, wish.payloads[bucket]); });
}

}  // namespace autotune::cli
