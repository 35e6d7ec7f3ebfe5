// FakePlatform: a platform in memory with Lambda's semantics: immutable versions, idempotent publish,
// etags that a change must match, a head whose etag also changes by publishing.
//
// A fault can be laid on any call, before or after it takes effect.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/provider.hpp"

namespace autotune::test {

// Thrown by hooks: the process is gone at this point.
struct Crash {};

enum class Moment : std::uint8_t { before, after };

class FakePlatform final : public Provider {
public:
    // Runs before and after each call takes effect.
    std::function<void(std::string_view call, Moment)> hook = [](std::string_view, Moment) {};
    // An error makes the call fail: before it takes effect, or after (success that nobody heard of).
    std::function<std::optional<Error>(std::string_view call, Moment)> fault = [](std::string_view, Moment) {
        return std::nullopt;
    };
    Capabilities can{.versions = true,
                     .weighted_routing = true,
                     .layers = true,
                     .concurrency = true,
                     .warm = true,
                     .memory_min_mb = 128,
                     .memory_max_mb = 10240,
                     .memory_step_mb = 1};

    // What took effect, in order: "configure 256", "publish 2", "route 1+2", "route 2".
    std::vector<std::string> effects;
    std::vector<std::string> calls;

    // One function "orders": head and version 1 alike, alias "live" on version 1.
    FakePlatform() {
        versions_["1"] = head_;
        aliases_["live"] = {
            .alias = "live", .stable = "1", .candidate = std::nullopt, .weight = 0, .etag = "a0"};
    }

    // What other people do.
    void somebody_moves_alias(const std::string& alias, const Version& stable,
                              std::optional<Version> candidate = std::nullopt, double weight = 0) {
        aliases_[alias] = {alias, stable, std::move(candidate), weight, next_etag()};
    }
    void somebody_removes_alias(const std::string& alias) { aliases_.erase(alias); }
    void somebody_changes_code() {
        head_.tuned.code_hash += "'";
        etag_ = next_etag();
    }
    void somebody_sets_memory(std::uint32_t mb) {
        head_.tuned.memory_mb = mb;
        etag_ = next_etag();
    }
    Version somebody_publishes() { return publish_now(); }
    void somebody_deletes_the_function() { gone_ = true; }

    [[nodiscard]] const Routing& alias(const std::string& name = "live") const { return aliases_.at(name); }
    [[nodiscard]] std::uint32_t head_memory() const { return head_.tuned.memory_mb; }
    [[nodiscard]] const Tuning& head() const { return head_.tuned; }
    [[nodiscard]] const Tuning& tuned(const Version& v) const { return versions_.at(v).tuned; }
    [[nodiscard]] std::uint32_t memory_of(const Version& v) const { return versions_.at(v).tuned.memory_mb; }
    bool update_in_progress = false;
    std::map<std::string, std::string> labels;
    std::string runtime = "python3.11";
    bool tells_builds = true;
    std::string lease;
    bool shows_lease = true;  // else as where tags may not be listed

    [[nodiscard]] std::string_view name() const override { return "fake"; }
    [[nodiscard]] Capabilities capabilities() const override { return can; }
    Result<std::vector<FunctionRef>> list() override { return std::vector<FunctionRef>{{"fake", "orders"}}; }

    Result<FunctionState> get(const FunctionRef& function) override {
        return call<FunctionState>("get", [&]() -> Result<FunctionState> { return state(function); });
    }
    Result<FunctionState> configure(const FunctionRef& function, const ConfigDelta& delta,
                                    const Etag& expected) override {
        return call<FunctionState>("configure", [&]() -> Result<FunctionState> {
            if (!matches(expected, etag_)) return fail(Errc::conflict, "the head is not " + expected);
            Tuning& head = head_.tuned;
            if (delta.memory_mb) head.memory_mb = *delta.memory_mb;
            if (delta.timeout) head.timeout = *delta.timeout;
            if (delta.handler) head.handler = *delta.handler;
            if (delta.layers) head.layers = *delta.layers;
            if (delta.environment) environment_ = *delta.environment;
            head.remedy = environment_["AUTOTUNE_REMEDY"];
            if (head.remedy.empty()) environment_.erase("AUTOTUNE_REMEDY");
            etag_ = next_etag();
            effects.push_back("configure " + (delta.memory_mb ? std::to_string(*delta.memory_mb) : head.handler));
            return state(function);
        });
    }
    Result<std::string> provide_layer(const Layer& layer) override {
        return call<std::string>("provide_layer", [&]() -> Result<std::string> {
            const std::string arn = "arn:aws:lambda:r:1:layer:" + layer.name + ":1";
            if (layers_.insert(arn).second) effects.push_back("layer " + layer.name);
            return arn;
        });
    }
    [[nodiscard]] const std::map<std::string, std::string>& environment() const { return environment_; }
    Result<Version> publish(const FunctionRef&, const Etag& expected) override {
        return call<Version>("publish", [&]() -> Result<Version> {
            if (!matches(expected, etag_)) return fail(Errc::conflict, "the head is not " + expected);
            const std::size_t before = versions_.size();
            Version v = publish_now();
            if (versions_.size() != before) effects.push_back("publish " + v);
            return v;
        });
    }
    Result<Routing> route(const FunctionRef&, const Routing& routing) override {
        return call<Routing>("route", [&]() -> Result<Routing> {
            if (!aliases_.contains(routing.alias)) return fail(Errc::not_found, "no alias " + routing.alias);
            Routing& now = aliases_[routing.alias];
            if (!matches(routing.etag, now.etag))
                return fail(Errc::conflict, "the alias is not " + routing.etag);
            now = routing;
            now.etag = next_etag();
            effects.push_back("route " + now.stable + (now.candidate ? "+" + *now.candidate : ""));
            return now;
        });
    }
    // The code's hash is the code.
    Result<FunctionState> deploy(const FunctionRef& function, const Package& package, const Etag& expected) override {
        return call<FunctionState>("deploy", [&]() -> Result<FunctionState> {
            if (!matches(expected, etag_)) return fail(Errc::conflict, "the head is not " + expected);
            head_.tuned.code_hash = package.zip;
            etag_ = next_etag();
            effects.push_back("deploy " + package.zip);
            return state(function);
        });
    }
    Result<Package> package(const FunctionRef&, const Version& version) override {
        return call<Package>("package", [&]() -> Result<Package> {
            const Tuning& t = versions_.at(version).tuned;
            return Package{.zip = t.code_hash, .code_hash = t.code_hash, .config = config_of(t)};
        });
    }
    Status set_lease(const FunctionRef&, const std::string& text) override {
        const auto done = call<std::string>("set_lease", [&]() -> Result<std::string> { return lease = text; });
        return done ? ok() : Status(done.forward());
    }
    Result<Answer> invoke(const FunctionRef&, const Qualifier&, std::string_view) override { return never(); }
    Status remove(const FunctionRef&) override { return never(); }
    Result<Observations> observe(std::string_view) override { return fail(Errc::unsupported, "it tells nothing"); }
    Result<std::optional<std::uint32_t>> reserved(const FunctionRef&) override {
        return call<std::optional<std::uint32_t>>("reserved", [&]() -> Result<std::optional<std::uint32_t>> { return reserved_; });
    }
    Status reserve(const FunctionRef&, std::optional<std::uint32_t> limit) override {
        const auto done = call<bool>("reserve", [&]() -> Result<bool> {
            reserved_ = limit;
            effects.push_back("reserve " + (limit ? std::to_string(*limit) : std::string("none")));
            return true;
        });
        return done ? ok() : Status(done.forward());
    }
    // What is ordered is ready at the second look, unless looks_until_ready says otherwise.
    Result<std::optional<Warm>> kept_warm(const FunctionRef&, const Qualifier& alias) override {
        return call<std::optional<Warm>>("kept_warm", [&]() -> Result<std::optional<Warm>> {
            if (!aliases_.contains(alias)) return fail(Errc::not_found, "no alias " + alias);
            if (!warm_) return std::optional<Warm>();
            Warm now{.status = Warm::Status::ready, .wanted = *warm_, .reason = why_never_warm};
            if (!why_never_warm.empty())
                now.status = Warm::Status::failed;
            else if (looks_ > 0 && --looks_ > 0)
                now.status = Warm::Status::in_progress;
            return std::optional(now);
        });
    }
    Status keep_warm(const FunctionRef&, const Qualifier&, std::optional<std::uint32_t> wanted) override {
        const auto done = call<bool>("keep_warm", [&]() -> Result<bool> {
            warm_ = wanted;
            looks_ = looks_until_ready;
            effects.push_back("warm " + (wanted ? std::to_string(*wanted) : std::string("none")));
            return true;
        });
        return done ? ok() : Status(done.forward());
    }
    void somebody_keeps_warm(std::optional<std::uint32_t> wanted) { warm_ = wanted; }
    [[nodiscard]] std::optional<std::uint32_t> warm() const { return warm_; }
    int looks_until_ready = 2;
    std::string why_never_warm;
    void somebody_reserves(std::optional<std::uint32_t> limit) { reserved_ = limit; }
    [[nodiscard]] std::optional<std::uint32_t> reservation() const { return reserved_; }
    [[nodiscard]] std::string hash_of(std::string_view zip) const override { return std::string(zip); }
    [[nodiscard]] std::vector<std::string> preview(const Change& change, const FunctionState& state,
                                                   const CanaryPolicy* canary) const override {
        if (!makes_version(change)) return {describe(change)};
        return {describe(change), "alias " + state.aliases.at(0).alias,
                "weight " + std::to_string(canary->weight)};
    }

private:
    static Unexpected never() { return fail(Errc::internal, "the executor has no business here"); }
    // Empty: whatever it is. An executor that forgets its etags would not be stopped here.
    static bool matches(const Etag& expected, const Etag& now) { return expected.empty() || expected == now; }
    Etag next_etag() { return "e" + std::to_string(++etags_); }

    Version publish_now() {
        const Version newest = std::to_string(versions_.size());
        if (versions_.at(newest) == head_) return newest;
        const Version made = std::to_string(versions_.size() + 1);
        versions_[made] = head_;
        etag_ = next_etag();
        return made;
    }

    [[nodiscard]] FunctionConfig config_of(const Tuning& t) const {
        return {.memory_mb = t.memory_mb,
                .timeout = t.timeout,
                .runtime = runtime,
                .handler = t.handler,
                .environment = environment_,
                .layers = t.layers};
    }
    [[nodiscard]] Result<FunctionState> state(const FunctionRef& function) const {
        FunctionState s{.function = function,
                        .config = config_of(head_.tuned),
                        .etag = etag_,
                        .code_hash = head_.tuned.code_hash,
                        .head = head_,
                        .update_in_progress = update_in_progress,
                        .labels = labels,
                        .lease = shows_lease ? lease : ""};
        for (const auto& [v, build] : versions_) s.versions.push_back(v);
        if (tells_builds) s.builds = versions_;
        for (const auto& [name, routing] : aliases_) s.aliases.push_back(routing);
        return s;
    }

    template <class T, class Work>
    Result<T> call(const std::string& name, Work work) {
        calls.push_back(name);
        hook(name, Moment::before);
        if (const auto error = fault(name, Moment::before)) return unexpected(*error);
        if (gone_) return fail(Errc::not_found, "no such function");
        Result<T> done = work();
        hook(name, Moment::after);
        if (const auto error = fault(name, Moment::after)) return unexpected(*error);
        return done;
    }

    Build head_{.tuned = {.memory_mb = 128, .timeout = std::chrono::seconds(3), .handler = "app.handler", .code_hash = "old code"}, .rest = "rest"};
    std::map<std::string, std::string> environment_{{"SECRET", "s"}};
    std::set<std::string> layers_;
    Etag etag_ = "e0";
    std::map<Version, Build> versions_;  // fewer than ten, so that text order is number order
    std::map<std::string, Routing> aliases_;
    int etags_ = 0;
    std::optional<std::uint32_t> reserved_ = 1;
    std::optional<std::uint32_t> warm_;
    int looks_ = 0;
    bool gone_ = false;
};

}  // namespace autotune::test
