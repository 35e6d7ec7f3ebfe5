#include "analyzer/topology/requests/owner_resolver.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "analyzer/topology/requests/reconstructor.hpp"

namespace autotune::analysis {

namespace {

// "GET /users/42/posts" is one of many "GET /users": what differs beneath is an id as often as not.
std::string_view operation(std::string_view what) {
    const auto first = what.find('/');
    return first == std::string_view::npos ? what : what.substr(0, what.find('/', first + 1));
}

std::int64_t ns(Timestamp t) { return t.time_since_epoch().count(); }

// Small numbers for what is equal.
template <class Key>
class Numbers {
public:
    std::uint32_t of(const Key& key) {
        return numbers_.try_emplace(key, static_cast<std::uint32_t>(numbers_.size())).first->second;
    }

private:
    std::map<Key, std::uint32_t> numbers_;
};

}  // namespace

std::vector<JoinGuess> guess_by_pattern(const OwnerGraph& graph, const std::vector<std::size_t>& ambiguous) {
    std::set<std::int32_t> servers;  // pids whose works could be meant
    for (const std::size_t i : ambiguous)
        for (const std::uint32_t work : graph.calls[i].candidates) servers.insert(graph.works[work].process.pid);
    Numbers<std::pair<bool, std::int64_t>> services;  // a server's pid, or a callee's node
    Numbers<std::pair<std::uint32_t, std::string>> endpoints;

    std::vector<std::pair<Timestamp, ServiceCall>> all;
    for (std::size_t i = 0; i < graph.works.size(); ++i) {
        const OwnerWork& work = graph.works[i];
        if (!servers.contains(work.process.pid)) continue;
        const std::uint32_t service = services.of({true, work.process.pid});
        all.emplace_back(work.start, ServiceCall{.id = "w" + std::to_string(i),
                                                 .callee = service,
                                                 .endpoint = endpoints.of({service, std::string(operation(work.what))}),
                                                 .callee_start = ns(work.start),
                                                 .callee_end = ns(work.end)});
    }
    const auto add_call = [&](std::size_t i, std::int32_t server) {
        const OwnerCall& call = graph.calls[i];
        const std::uint32_t callee = services.of({false, static_cast<std::int64_t>(call.to)});
        const std::string what = call.method + " " + call.path;
        all.emplace_back(call.start, ServiceCall{.id = "c" + std::to_string(i),
                                                 .caller = services.of({true, server}),
                                                 .callee = callee,
                                                 .endpoint = endpoints.of({callee, std::string(operation(what))}),
                                                 .seen_by_caller = true,
                                                 .caller_start = ns(call.start),
                                                 .caller_end = ns(call.end),
                                                 .callee_start = ns(call.start),
                                                 .callee_end = ns(call.end)});
    };
    for (std::size_t i = 0; i < graph.calls.size(); ++i) {
        const OwnerCall& call = graph.calls[i];
        if (call.by == JoinBy::ambiguous && !call.candidates.empty())
            add_call(i, graph.works[call.candidates.front()].process.pid);
        else if (call.parent != kNone && servers.contains(graph.works[call.parent].process.pid))
            add_call(i, graph.works[call.parent].process.pid);
    }
    std::ranges::stable_sort(all, {}, [](const auto& one) { return one.first; });

    Reconstructor reconstructor;
    std::vector<CallParent> found;
    for (auto& [start, call] : all) reconstructor.add(std::move(call), found);
    reconstructor.finish(found);
    std::vector<JoinGuess> guesses;
    for (const CallParent& one : found) {
        if (!one.id.starts_with('c') || !one.parent.starts_with('w') || static_cast<double>(one.confidence) < kLeastConfidence)
            continue;
        JoinGuess guess{.confidence = static_cast<double>(one.confidence)};
        std::from_chars(one.id.data() + 1, one.id.data() + one.id.size(), guess.call);
        std::from_chars(one.parent.data() + 1, one.parent.data() + one.parent.size(), guess.work);
        guesses.push_back(guess);
    }
    return guesses;
}

}  // namespace autotune::analysis
