// The agent, with death at a chosen call: the real loop around a store and a platform that send SIGKILL before or after the
// n-th changing call (docs/decisions/0003): to their own process, or to another one that the test started, or to both.
//
// usage: agent_under_fault RULES STATE store|provider before|after N [PID|PID+self]
// AUTOTUNE_E2E_CGROUP: it looks at executors below that cgroup only.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/run_loop.hpp"
#include "core/knowledge_store.hpp"
#include "core/provider.hpp"

namespace autotune {
namespace {

enum class When { before, after };

// Counts calls and dies at the chosen one.
class Fate {
public:
    Fate(When when, long at, std::string_view victim) : when_(when), at_(at) {
        if (victim.empty()) return;
        other_ = static_cast<pid_t>(std::strtol(victim.data(), nullptr, 10));
        own_ = victim.ends_with("+self");
    }

    template <class Call>
    auto around(const char* what, Call call) {
        const bool chosen = ++count_ == at_;
        if (chosen && when_ == When::before) die("before", what);
        auto result = call();
        if (chosen && when_ == When::after) die("after", what);
        return result;
    }

private:
    void die(const char* when, const char* what) const {
        std::fprintf(stderr, "dying %s %s, call %ld\n", when, what, count_);
        if (other_ > 1) ::kill(other_, SIGKILL);
        if (own_) std::raise(SIGKILL);
    }
    When when_;
    long at_;
    long count_ = 0;
    pid_t other_ = 0;
    bool own_ = true;
};

class DyingStore final : public KnowledgeStore {
public:
    DyingStore(KnowledgeStore& real, Fate fate) : real_(real), fate_(fate) {}

    Result<ChangeId> open_change(const ChangeRecord& r) override {
        return fate_.around("open_change", [&] { return real_.open_change(r); });
    }
    Status save_change(const ChangeRecord& r) override {
        return fate_.around("save_change", [&] { return real_.save_change(r); });
    }
    Result<std::vector<ChangeRecord>> unfinished_changes() override { return real_.unfinished_changes(); }
    Result<std::vector<ChangeRecord>> changes(std::size_t limit) override { return real_.changes(limit); }
    Result<std::vector<ChangeRecord>> changes_since(WallTime from) override {
        return real_.changes_since(from);
    }
    Status append(std::span<const Invocation> i) override { return real_.append(i); }
    Result<std::vector<Invocation>> invocations_since(const FunctionRef& f, WallTime from) override {
        return real_.invocations_since(f, from);
    }
    Status keep(std::span<const RefusalRecord> r) override { return real_.keep(r); }
    Result<std::vector<RefusalRecord>> refused(const RefusalQuery& q) override { return real_.refused(q); }
    Status forget(WallTime before) override { return real_.forget(before); }

private:
    KnowledgeStore& real_;
    Fate fate_;
};

class DyingProvider final : public Provider {
public:
    DyingProvider(Provider& real, Fate fate) : real_(real), fate_(fate) {}

    std::string_view name() const override { return real_.name(); }
    Capabilities capabilities() const override { return real_.capabilities(); }
    Result<std::vector<FunctionRef>> list() override { return real_.list(); }
    Result<FunctionState> get(const FunctionRef& f) override { return real_.get(f); }
    Result<FunctionState> deploy(const FunctionRef& f, const Package& p, const Etag& e) override {
        return fate_.around("deploy", [&] { return real_.deploy(f, p, e); });
    }
    Result<Package> package(const FunctionRef& f, const Version& v) override { return real_.package(f, v); }
    Result<FunctionState> configure(const FunctionRef& f, const ConfigDelta& d, const Etag& e) override {
        return fate_.around("configure", [&] { return real_.configure(f, d, e); });
    }
    Result<std::string> provide_layer(const Layer& l) override {
        return fate_.around("provide_layer", [&] { return real_.provide_layer(l); });
    }
    Result<Version> publish(const FunctionRef& f, const Etag& e) override {
        return fate_.around("publish", [&] { return real_.publish(f, e); });
    }
    Result<Routing> route(const FunctionRef& f, const Routing& r) override {
        return fate_.around("route", [&] { return real_.route(f, r); });
    }
    Status set_lease(const FunctionRef& f, const std::string& text) override {
        return fate_.around("set_lease", [&] { return real_.set_lease(f, text); });
    }
    Result<Answer> invoke(const FunctionRef& f, const Qualifier& q, std::string_view p) override {
        return real_.invoke(f, q, p);
    }
    Status remove(const FunctionRef& f) override { return real_.remove(f); }
    Result<Observations> observe(std::string_view after) override { return real_.observe(after); }
    Result<std::optional<std::uint32_t>> reserved(const FunctionRef& f) override { return real_.reserved(f); }
    Status reserve(const FunctionRef& f, std::optional<std::uint32_t> limit) override {
        return fate_.around("reserve", [&] { return real_.reserve(f, limit); });
    }
    Result<std::optional<Warm>> kept_warm(const FunctionRef& f, const Qualifier& alias) override { return real_.kept_warm(f, alias); }
    Status keep_warm(const FunctionRef& f, const Qualifier& alias, std::optional<std::uint32_t> wanted) override {
        return fate_.around("keep_warm", [&] { return real_.keep_warm(f, alias, wanted); });
    }
    std::string hash_of(std::string_view zip) const override { return real_.hash_of(zip); }
    std::vector<std::string> preview(const Change& c, const FunctionState& s, const CanaryPolicy* p) const override {
        return real_.preview(c, s, p);
    }

private:
    Provider& real_;
    Fate fate_;
};

}  // namespace
}  // namespace autotune

int main(int argc, char** argv) {
    using namespace autotune;
    if (argc != 6 && argc != 7) return std::fprintf(stderr, "usage: %s RULES STATE store|provider before|after N [PID|PID+self]\n", argv[0]), 2;
    const Fate fate(std::string_view(argv[4]) == "before" ? When::before : When::after, std::strtol(argv[5], nullptr, 10),
                    argc == 7 ? argv[6] : "");
    cli::Decorators decorators;
    if (std::string_view(argv[3]) == "store")
        decorators.store = [&](KnowledgeStore& real) { return std::make_unique<DyingStore>(real, fate); };
    else
        decorators.provider = [&](Provider& real) { return std::make_unique<DyingProvider>(real, fate); };
    const char* below = std::getenv("AUTOTUNE_E2E_CGROUP");
    const std::vector<std::string> cgroups = below != nullptr ? std::vector<std::string>{below} : std::vector<std::string>();
    return cli::run_loop({.rules = argv[1], .state = argv[2], .mode = Mode::apply, .listen = "127.0.0.1:0",
                          .lease_settle = std::chrono::milliseconds(200), .cgroups = cgroups, .sample_hz = 0, .budget = std::nullopt},
                         decorators);
}
