#include "analyzer/topology/requests/window_solver.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace autotune::analysis {

struct WindowSolver::Service {
    std::uint32_t id = 0;
    std::vector<std::uint32_t> incoming, outgoing;   // numbers in the window
    std::vector<std::vector<std::uint32_t>> groups;  // of a join, by request: numbers in the window
    ServiceCalls calls;
    std::unique_ptr<ServingSearch> search;
    bool join = false, solved = false, ordered = false;
    double in_order = 0;  // evidence
};

void WindowSolver::gather(std::span<const WindowCall> calls) {
    calls_ = calls;
    services_.clear();
    std::unordered_map<std::uint32_t, std::size_t> number;
    for (const WindowCall& c : calls)
        if (c.caller != kNone && number.emplace(c.caller, services_.size()).second) {
            services_.push_back(std::make_unique<Service>());
            services_.back()->id = c.caller;
        }
    for (std::uint32_t i = 0; i < calls.size(); ++i) {
        // One that was decided, and whose parent is no longer held, is nobody's.
        const bool gone = calls[i].decided && calls[i].given == kNone;
        if (const auto at = number.find(calls[i].caller);
            calls[i].caller != kNone && at != number.end() && !gone)
            services_[at->second]->outgoing.push_back(i);
        if (const auto at = number.find(calls[i].callee); at != number.end())
            services_[at->second]->incoming.push_back(i);
    }
    for (auto& s : services_)
        std::stable_sort(s->incoming.begin(), s->incoming.end(), [&](std::uint32_t a, std::uint32_t b) {
            return calls[a].served_start < calls[b].served_start;
        });
}

// Callers before callees, where there is no cycle.
std::vector<std::uint32_t> WindowSolver::in_order() const {
    std::unordered_map<std::uint32_t, std::uint32_t> number;
    for (std::uint32_t i = 0; i < services_.size(); ++i) number[services_[i]->id] = i;
    std::vector<std::vector<std::uint32_t>> callees(services_.size());
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
        for (const std::uint32_t c : services_[i]->outgoing)
            if (const auto at = number.find(calls_[c].callee); at != number.end() && at->second != i)
                callees[i].push_back(at->second);
        std::sort(callees[i].begin(), callees[i].end());
        callees[i].erase(std::unique(callees[i].begin(), callees[i].end()), callees[i].end());
    }
    std::vector<std::uint32_t> out, stack;
    std::vector<std::uint8_t> seen(services_.size(), 0);
    for (std::uint32_t root = 0; root < services_.size(); ++root) {
        if (seen[root]) continue;
        stack.push_back(root);
        seen[root] = 1;
        while (!stack.empty()) {
            const std::uint32_t at = stack.back();
            if (callees[at].empty()) {
                out.push_back(at);
                stack.pop_back();
                continue;
            }
            const std::uint32_t next = callees[at].back();
            callees[at].pop_back();
            if (!seen[next]) seen[next] = 1, stack.push_back(next);
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

void WindowSolver::find_requests() {
    request_.assign(calls_.size(), 0);
    std::vector<std::uint32_t> path;
    for (std::uint32_t i = 0; i < calls_.size(); ++i) {
        std::uint32_t at = i;
        path.clear();
        while (request_[at] == 0) {
            path.push_back(at);
            if (calls_[at].request != 0) {
                request_[at] = calls_[at].request;
                break;
            }
            if (found_[at].parent == kNone || path.size() > calls_.size()) {
                request_[at] = (std::uint64_t{1} << 63) | at;
                break;
            }
            at = found_[at].parent;
        }
        for (const std::uint32_t p : path) request_[p] = request_[at];
    }
}

namespace {

constexpr int kRounds = 8, kRoundsOfChoice = 4;  // of learning, and of choosing what gaps are measured from
constexpr double kRare = 0.02;  // of the commonest pattern: what is seen less is not believed

// The calls of one request to a join, in order of start. Their kinds: the last to begin, the one before it,
// others.
std::vector<Incoming> group_of(std::span<const WindowCall> calls, std::span<const std::uint32_t> members) {
    std::vector<Incoming> out;
    const std::size_t n = members.size();
    for (std::size_t j = 0; j < n; ++j) {
        const WindowCall& own = calls[members[j]];
        Incoming m{own.served_start,
                   own.served_end,
                   0,
                   0,
                   0,
                   static_cast<std::uint32_t>(std::min<std::size_t>(2, n - 1 - j))};
        if (n > 1) {
            m.lag = calls[members[j + 1 < n ? n - 1 : n - 2]].served_start - own.served_start;
            double last = -1e300;
            for (std::size_t i = 0; i < n; ++i)
                if (i != j) last = std::max(last, calls[members[i]].served_end);
            m.end_lag = last - own.served_start;
        }
        out.push_back(m);
    }
    return out;
}

}  // namespace

// Calls that lie within each other to the tick could each be the other's parent.
void WindowSolver::break_cycles() {
    std::vector<std::uint32_t> seen(found_.size(), kNone);  // by which walk
    for (std::uint32_t i = 0; i < found_.size(); ++i)
        for (std::uint32_t at = i; at != kNone && seen[at] != i; at = found_[at].parent) {
            const std::uint32_t up = found_[at].parent;
            if (seen[at] != kNone) break;
            seen[at] = i;
            if (up != kNone && seen[up] == i) found_[at] = {kNone, 0};
        }
}

// Incoming calls by the request that they belong to, where one request makes several of them and one of these
// makes all outgoing ones: a join.
void WindowSolver::group(Service& service) {
    find_requests();
    std::map<std::uint64_t, std::vector<std::uint32_t>> by_request;
    for (const std::uint32_t i : service.incoming) by_request[request_[i]].push_back(i);
    const auto n = static_cast<double>(service.incoming.size());
    std::vector<double> count(service.calls.types, 0);
    for (const Outgoing& o : service.calls.outgoing) count[o.type] += 1;
    const auto groups = static_cast<double>(by_request.size());
    service.join = n > 1.5 * groups && service.calls.self.empty();
    for (const double c : count) service.join = service.join && c < 0.8 * n && c < 1.05 * groups;
    if (!service.join) return;
    service.groups.clear();
    for (auto& [request, members] : by_request) service.groups.push_back(std::move(members));
    write_groups(service);
}

void WindowSolver::write_groups(Service& service) {
    std::sort(service.groups.begin(), service.groups.end(), [&](const auto& a, const auto& b) {
        return calls_[a[0]].served_start < calls_[b[0]].served_start;
    });
    ServiceCalls& to = service.calls;
    to.incoming.clear();
    to.members.clear();
    to.kinds = 3;
    for (const auto& members : service.groups) {
        to.members.push_back(group_of(calls_, members));
        Incoming hull{to.members.back().front().start, 0, 0, 0, 0, 0};
        for (const Incoming& m : to.members.back()) hull.end = std::max(hull.end, m.end);
        to.incoming.push_back(hull);
    }
}

void WindowSolver::prepare(Service& service, Known& known) {
    ServiceCalls& to = service.calls;
    std::vector<double> open;
    for (const std::uint32_t i : service.incoming) {
        const WindowCall& c = calls_[i];
        const auto kind =
            known.kinds.emplace(c.endpoint, static_cast<std::uint32_t>(known.kinds.size())).first->second;
        std::erase_if(open, [&](double end) { return end <= c.served_start; });
        to.incoming.push_back({c.served_start, c.served_end,
                               static_cast<double>(std::min<std::size_t>(open.size(), 64)), 0, 0, kind});
        open.push_back(c.served_end);
    }
    for (const std::uint32_t i : service.outgoing) {
        const WindowCall& c = calls_[i];
        const auto type =
            known.types.emplace(c.endpoint, static_cast<std::uint32_t>(known.types.size())).first->second;
        to.outgoing.push_back({c.start, c.end, type});
    }
    to.kinds = known.kinds.size();
    to.types = known.types.size();
    std::unordered_map<std::uint32_t, std::uint32_t> own;
    for (std::uint32_t p = 0; p < service.incoming.size(); ++p)
        if (calls_[service.incoming[p]].caller == service.id) own[service.incoming[p]] = p;
    if (!own.empty())
        for (const std::uint32_t k : service.outgoing) to.self.push_back(own.contains(k) ? own[k] : kNone);
    group(service);
    if (std::none_of(service.outgoing.begin(), service.outgoing.end(),
                     [&](auto i) { return calls_[i].decided; }))
        return;
    std::unordered_map<std::uint32_t, std::uint32_t> place;
    if (service.join) {
        for (std::uint32_t g = 0; g < service.groups.size(); ++g)
            for (const std::uint32_t m : service.groups[g]) place[m] = g;
    } else {
        for (std::uint32_t p = 0; p < service.incoming.size(); ++p) place[service.incoming[p]] = p;
    }
    to.given.assign(to.outgoing.size(), kNone);
    for (std::uint32_t k = 0; k < service.outgoing.size(); ++k)
        if (const WindowCall& c = calls_[service.outgoing[k]]; c.decided && c.given != kNone)
            if (const auto at = place.find(c.given); at != place.end()) to.given[k] = at->second;
}

void WindowSolver::work_on(Service& service, Known& known) {
    prepare(service, known);
    service.search = std::make_unique<ServingSearch>(service.calls, step_us_);
    ServingSearch& search = *service.search;
    ServingModel& model = known.model;
    if (known.join != service.join) model = {};
    known.join = service.join;
    const bool first = !model.learned();
    search.guess();
    if (first || !model.covers(service.calls.kinds, service.calls.types)) {
        model = {};
        search.learn(model, 0.5, search.certain() >= 30);
    }
    const int rounds = first ? kRounds : 1;
    for (int round = 1; round <= rounds; ++round) {
        const auto before = search.parents();
        search.improve(model);
        search.learn(
            model, first ? std::max(kRare, std::ldexp(0.5, -round)) : kRare, false,
            first && round <= kRoundsOfChoice ? ServingModel::Choose::anew : ServingModel::Choose::as_before);
        if (search.parents() == before) break;
    }
    const auto learned_of = search.parents();
    search.improve(model);
    // Is it first in, first out? Then order tells more than gaps: as likely, though each pair might be
    // otherwise.
    if (!service.join) {
        ServingSearch ordered = search;
        const ServingSearch::Order order = ordered.put_in_order();
        // Both learned alike, so that only what was found differs.
        if (first || search.parents() != learned_of)
            search.learn(model, kRare, false, ServingModel::Choose::as_before);
        service.in_order = static_cast<double>(order.free) * std::log(2.0) - 50.0 * static_cast<double>(order.broken);
        if (ordered.parents() != search.parents()) {
            ServingModel of_order = model;
            ordered.learn(of_order, kRare, false, ServingModel::Choose::as_before);
            service.in_order += ordered.score(of_order) - search.score(model);
        }
    }
    service.solved = true;
    write(service, known);
}

// Services are mostly of a kind: what is found of one counts a little for the others.
void WindowSolver::keep_order() {
    double all = 0;
    for (const auto& s : services_)
        if (!s->join) all += std::clamp(s->in_order, -5.0, 5.0);
    for (const auto& s : services_) {
        if (s->join) continue;
        const double others = std::clamp(all - std::clamp(s->in_order, -5.0, 5.0), -5.0, 5.0);
        if (s->in_order + others <= 0) continue;
        s->ordered = true;
        // What it does in order tells again what it does.
        ServingModel& model = known_[s->id].model;
        s->search->put_in_order();
        s->search->learn(model, kRare, false, ServingModel::Choose::as_before);
        s->search->improve(model);
        s->search->put_in_order();
        write(*s, known_[s->id]);
    }
}

void WindowSolver::write(Service& service, Known& known) {
    const auto& parents = service.search->parents();
    std::vector<std::uint32_t> triggers;
    if (service.join)
        for (std::uint32_t g = 0; g < service.groups.size(); ++g)
            triggers.push_back(service.search->trigger(known.model, g));
    for (std::uint32_t k = 0; k < parents.size(); ++k) {
        std::uint32_t& to = found_[service.outgoing[k]].parent;
        const std::uint32_t p = parents[k];
        if (p == kNone)
            to = kNone;
        else if (!service.join)
            to = service.incoming[p];
        else
            to = triggers[p] == kNone ? kNone : service.groups[p][triggers[p]];
    }
}

std::vector<Found> WindowSolver::solve(std::span<const WindowCall> calls) {
    gather(calls);
    found_.assign(calls.size(), {});
    for (const std::uint32_t s : in_order()) work_on(*services_[s], known_[services_[s]->id]);
    keep_order();
    for (auto& s : services_) {
        const auto sure = s->search->confidence(known_[s->id].model);
        for (std::uint32_t k = 0; k < sure.size(); ++k) found_[s->outgoing[k]].confidence = sure[k];
    }
    break_cycles();
    return found_;
}

WindowSolver::WindowSolver(double step_us) : step_us_(step_us) {}
WindowSolver::~WindowSolver() = default;

}  // namespace autotune::analysis
