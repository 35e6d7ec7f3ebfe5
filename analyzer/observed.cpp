#include "analyzer/observed.hpp"

#include <algorithm>
#include <functional>

namespace autotune::analysis {

namespace {

constexpr Nanos kTogether = std::chrono::seconds(1);

// The same input of another version is another one. The input is a hash under a secret key, so nobody chooses it.
std::uint64_t key_of(const AnsweredCall& call) {
    return call.input ^ (std::hash<std::string>()(call.version) * 0x9e3779b97f4a7c15ULL);
}

}  // namespace

void Observed::add(const ThrottledCall& call, Timestamp at) {
    if (refused_.empty() || refused_.back().limit != call.limit || at - refused_.back().at >= kTogether)
        refused_.push_back({at, at, call.limit, 0});
    ++refused_.back().count;
    refused_.back().last = std::max(refused_.back().last, at);
}

void Observed::add(const AnsweredCall& call, Timestamp at) {
    const std::uint64_t key = key_of(call);
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) {
        inputs_.push_front({key, call.output, call.id});
        by_key_.emplace(key, inputs_.begin());
        if (inputs_.size() > kMostInputs) {
            by_key_.erase(inputs_.back().key);
            inputs_.pop_back();
        }
        return;
    }
    Known& last = *known->second;
    if (repeated_.empty() || at - repeated_.back().at >= kTogether) repeated_.push_back({at, 0, 0, {}});
    Repeated& now = repeated_.back();
    ++now.count;
    if (last.output != call.output) {
        ++now.differed;
        now.pair = std::string(last.id.view()) + " and " + std::string(call.id.view());
    }
    last.output = call.output;
    last.id = call.id;
    inputs_.splice(inputs_.begin(), inputs_, known->second);
}

void Observed::forget(Timestamp before) {
    while (!refused_.empty() && refused_.front().at < before) refused_.pop_front();
    while (!repeated_.empty() && repeated_.front().at < before) repeated_.pop_front();
}

void Observed::tell(FunctionFacts& out, Timestamp from, Timestamp to) const {
    std::int64_t refused = 0, repeated = 0, differed = 0;
    const Refused* newest = nullptr;
    for (const Refused& r : refused_) {
        if (r.at < from || r.at > to) continue;
        refused += r.count;
        newest = &r;
    }
    for (const Repeated& r : repeated_) {
        if (r.at < from || r.at > to) continue;
        repeated += r.count;
        differed += r.differed;
        if (!r.pair.empty()) out.differed = r.pair;
    }
    FactSet& fn = out.fn;
    fn.set(Fact::fn_throttles, refused);
    const std::int64_t all = refused + fn.integer(Fact::fn_invocations).value_or(0);
    if (all > 0) fn.set(Fact::fn_throttle_rate, static_cast<double>(refused) / static_cast<double>(all));
    if (newest != nullptr) {
        out.last_throttle = newest->last;
        if (newest->limit) fn.set(Fact::fn_concurrency_limit, std::int64_t{*newest->limit});
    }
    fn.set(Fact::fn_repeated_inputs, repeated);
    if (repeated > 0) fn.set(Fact::fn_nondeterministic, differed);
}

}  // namespace autotune::analysis
