#include "analyzer/cost/measured_calls.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace autotune::analysis {

namespace {

Decimal whole(std::uint64_t count) {
    return Decimal(static_cast<std::int64_t>(std::min(count, std::uint64_t{std::numeric_limits<std::int64_t>::max()})));
}

using Pairs = std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t>;  // endpoints, calls

// What a function did with a peer that is none. Sums of bytes as far as a double is exact.
struct Peer {
    std::uint64_t calls = 0;
    double sent = 0, received = 0;
    Peer& operator+=(const OwnerEdge& e) { return *this += Peer{e.calls, static_cast<double>(e.bytes_sent), static_cast<double>(e.bytes_received)}; }
    Peer& operator+=(const Peer& p) {
        calls += p.calls, sent += p.sent, received += p.received;
        return *this;
    }
};

class Connector {
public:
    Connector(MeasuredCost& cost, const OwnerGraph& graph, const std::map<std::string, std::uint64_t>& callers)
        : cost_(cost), model_(cost.model), graph_(graph), callers_(callers), functions_(model_.endpoints.size()) {
        for (std::uint32_t i = 0; i < functions_; ++i) {
            ids_.emplace(model_.endpoints[i].name, i);
            calls_.push_back(model_.endpoints[i].load);
        }
    }

    void run() {
        if (!graph_.wall_to || graph_.nodes.empty())
            return cost_.remarks.push_back("who calls whom is not on record: all invocations are taken to come from outside");
        for (const OwnerEdge& edge : graph_.edges) take(edge);
        leave_circles_out();
        for (const auto& [ends, count] : between_) connect(ends.first, ends.second, count);
        take_off_loads();
        for (const auto& [ends, peer] : outward_) connect_outward(ends.first, ends.second, peer);
        for (const auto& [name, endpoint] : external_) tell_outward(name, endpoint);
        tell_losses();
    }

private:
    std::optional<std::uint32_t> function(std::size_t node) const {
        const ServiceNode& service = graph_.nodes[node].service;
        if (service.kind != NodeKind::function) return std::nullopt;
        const auto found = ids_.find(service.name);
        return found == ids_.end() ? std::nullopt : std::optional(found->second);
    }

    void take(const OwnerEdge& edge) {
        const auto from = function(edge.from), to = function(edge.to);
        if (edge.calls == 0) return;
        if (!from) return;  // processes of this machine: outside
        const auto known = callers_.find(model_.endpoints[*from].name);
        if (known == callers_.end() || known->second == 0) {
            cost_.remarks.push_back(model_.endpoints[*from].name + ": its calls of " + graph_.nodes[edge.to].service.name +
                                    " are left out, none of its invocations then is on record");
            return;
        }
        if (to)
            between_[{*from, *to}] += edge.calls;
        else
            outward_[{*from, graph_.nodes[edge.to].service.name}] += edge;
    }

    // The model knows no circles. What is left when all that nobody calls, or that calls nobody, is taken away again and
    // again stands in circles or between them.
    void leave_circles_out() {
        std::vector<bool> gone(functions_);
        for (bool more = true; more;) {
            more = false;
            std::vector<bool> called(functions_), calls(functions_);
            for (const auto& [ends, count] : between_)
                if (ends.first != ends.second && !gone[ends.first] && !gone[ends.second]) calls[ends.first] = called[ends.second] = true;
            for (std::uint32_t i = 0; i < functions_; ++i)
                if (!gone[i] && !(called[i] && calls[i])) gone[i] = more = true;
        }
        std::string names;
        std::erase_if(between_, [&](const auto& one) {
            const auto [from, to] = one.first;
            if (from != to && (gone[from] || gone[to])) return false;
            names += (names.empty() ? "" : ", ") + model_.endpoints[from].name + " → " + model_.endpoints[to].name;
            return true;
        });
        if (!names.empty())
            cost_.remarks.push_back("calls in a circle, which are taken for load from outside: " + names);
    }

    Decimal times(std::uint32_t from, std::uint64_t count) const {
        return whole(count) / whole(callers_.at(model_.endpoints[from].name));
    }

    void connect(std::uint32_t from, std::uint32_t to, std::uint64_t count) {
        model_.endpoints[from].calls.push_back({to, times(from, count)});
        inward_[to] += calls_[from] * model_.endpoints[from].calls.back().times;
    }

    // Calls that were refused (429) or whose invocation nobody saw are none that is paid.
    void take_off_loads() {
        for (const auto& [to, inward] : inward_) {
            CostEndpoint& callee = model_.endpoints[to];
            if (inward <= calls_[to]) {
                callee.load = calls_[to] - inward;
                continue;
            }
            const Decimal kept = calls_[to] / inward;
            callee.load = calls_[to];
            for (std::uint32_t from = 0; from < functions_; ++from)
                for (CostCall& call : model_.endpoints[from].calls)
                    if (call.to == to) call.times = call.times * kept, callee.load -= calls_[from] * call.times;
            callee.load = std::max(callee.load, Decimal());  // digits that were cut off
            cost_.remarks.push_back(callee.name + ": by the calls that were counted in " + std::to_string((graph_.to - graph_.from) / std::chrono::seconds(1)) + " s functions call it " +
                                    (inward / cost_.scale).text(0) + " times in the time that is billed, and it was invoked " + (calls_[to] / cost_.scale).text(0) +
                                    " times: that is billed. Calls were rarer before, were refused, or their invocations are on no record");
        }
    }

    void connect_outward(std::uint32_t from, const std::string& name, const Peer& peer) {
        const auto [found, is_new] = external_.try_emplace(name, static_cast<std::uint32_t>(model_.endpoints.size()));
        if (is_new) {
            // A function of that name may be there, which is another.
            const std::string unlike = ids_.contains(name) ? name + " (peer)" : name;
            CostEndpoint e{.name = unlike, .service = static_cast<std::uint32_t>(model_.services.size())};
            model_.services.push_back({.name = unlike, .instances = true});
            model_.endpoints.push_back(std::move(e));
        }
        model_.endpoints[from].calls.push_back({found->second, times(from, peer.calls)});
    }

    // All that is known of what is called but no function: for whoever writes its price into the model.
    void tell_outward(const std::string& name, std::uint32_t endpoint) {
        Peer all;
        for (const auto& [ends, peer] : outward_)
            if (ends.second == name) all += peer;
        const auto a_call = [&](double sum) { return Decimal::nearest(sum / static_cast<double>(all.calls)).text(0); };
        cost_.remarks.push_back(model_.endpoints[endpoint].name + ": what it costs is not known, nothing is counted for it; seen were " +
                                std::to_string(all.calls) + " calls, " + a_call(all.sent) + " bytes sent and " + a_call(all.received) +
                                " received by each");
    }

    void tell_losses() {
        const auto tell = [&](std::uint64_t count, const char* what) {
            if (count > 0) cost_.remarks.push_back(std::to_string(count) + what);
        };
        tell(graph_.lost, " events were lost while it was watched: calls may be missing");
        tell(graph_.late, " events came too late to be put in order: calls may be missing");
        tell(graph_.undecided, " transfers were on connections of which it is not known who called whom");
    }

    MeasuredCost& cost_;
    CostModel& model_;
    const OwnerGraph& graph_;
    const std::map<std::string, std::uint64_t>& callers_;
    std::size_t functions_;
    std::map<std::string, std::uint32_t> ids_;
    std::vector<Decimal> calls_;  // of each function a period
    Pairs between_;
    std::map<std::pair<std::uint32_t, std::string>, Peer> outward_;  // by caller and name
    std::map<std::uint32_t, Decimal> inward_;
    std::map<std::string, std::uint32_t> external_;
};

}  // namespace

void measure_calls(MeasuredCost& cost, const OwnerGraph& graph, const std::map<std::string, std::uint64_t>& callers) {
    Connector(cost, graph, callers).run();
}

}  // namespace autotune::analysis
