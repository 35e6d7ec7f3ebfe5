#include "analyzer/topology/critical_path.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>

#include "analyzer/percentile.hpp"

namespace autotune::analysis {

namespace {

constexpr std::uint32_t kNone = PathCall::kNone;
constexpr std::int64_t nine_tenths(std::int64_t ns) { return ns - ns / 10; }

// Sums of absurd times stay at the most there is.
void add_to(std::int64_t& sum, std::int64_t ns) {
    if (__builtin_add_overflow(sum, ns, &sum)) sum = std::numeric_limits<std::int64_t>::max();
}

class Paths {
public:
    Paths(const PathForest& forest, const CriticalPathOptions& options) : forest_(forest), options_(options) {
        put_in_order();
        find_paths();
    }

    CriticalPaths result() {
        add_up_edges();
        for (const std::uint32_t root : roots_) add_up(root);
        ask_what_is_saved();
        return finish();
    }

    RequestPaths requests() {
        RequestPaths out;
        out.shares.resize(forest_.works.size());
        for (const std::uint32_t root : roots_) {
            std::map<std::uint32_t, PathShare> mine = shares_of(root);
            for (const auto& [service, share] : mine) {
                out.shares[root].push_back({.service = service, .own_ns = share.own_ns, .between_ns = share.between_ns});
                add_to(own_[service], share.own_ns);
            }
            list_path(root, out.calls);
        }
        std::ranges::sort(out.calls);
        std::vector<std::int64_t> lengths(forest_.works.size());
        for (const std::uint32_t service : with_most_time()) {
            replay(service, lengths);
            for (const std::uint32_t root : roots_)
                for (RequestShare& share : out.shares[root])
                    if (share.service == service) share.asked = true, share.saves_ns = length(root) - lengths[root];
        }
        for (auto& shares : out.shares)
            std::ranges::stable_sort(shares, std::greater(), [](const RequestShare& s) { return s.own_ns + s.between_ns; });
        return out;
    }

private:
    // Of the calls of one work, by place: in order of start, and the places in order of end.
    struct Calls {
        std::span<const std::uint32_t> by_start, by_end;
    };
    struct Group {
        PathGroup group;
        std::map<std::uint32_t, PathShare> shares;
        std::vector<std::int64_t> lengths;
    };

    [[nodiscard]] const PathCall& call(std::uint32_t i) const { return forest_.calls[i]; }
    [[nodiscard]] std::int64_t length(std::uint32_t work) const { return forest_.works[work].end - forest_.works[work].start; }
    [[nodiscard]] bool waited(const PathCall& c) const { return c.end <= forest_.works[c.parent].end; }
    [[nodiscard]] Calls calls_of(std::uint32_t work) const {
        const auto from = first_[work], count = first_[work + 1] - from;
        return {std::span(by_start_).subspan(from, count), std::span(by_end_).subspan(from, count)};
    }

    void put_in_order() {
        const auto& calls = forest_.calls;
        first_.assign(forest_.works.size() + 1, 0);
        for (const PathCall& c : calls) ++first_[c.parent + 1];
        std::partial_sum(first_.begin(), first_.end(), first_.begin());
        by_start_.resize(calls.size());
        std::iota(by_start_.begin(), by_start_.end(), 0);
        std::ranges::stable_sort(by_start_, {}, [&](std::uint32_t i) {
            return std::tuple(calls[i].parent, calls[i].start, calls[i].end);
        });
        place_.resize(calls.size());
        for (std::uint32_t i = 0; i < by_start_.size(); ++i) place_[by_start_[i]] = i;
        by_end_ = by_start_;
        std::ranges::stable_sort(by_end_, {}, [&](std::uint32_t i) { return std::pair(calls[i].parent, calls[i].end); });
        // Parents before children; what is its own ancestor is never come to.
        std::vector<std::uint8_t> is_child(forest_.works.size(), 0);
        for (const PathCall& c : calls)
            if (c.child != kNone) is_child[c.child] = 1;
        for (std::uint32_t w = 0; w < forest_.works.size(); ++w)
            if (!is_child[w]) order_.push_back(w);
        for (std::size_t at = 0; at < order_.size(); ++at)
            for (const std::uint32_t i : calls_of(order_[at]).by_start)
                if (call(i).child != kNone) order_.push_back(call(i).child);
        for (std::uint32_t w = 0; w < forest_.works.size(); ++w) {
            const PathWork& work = forest_.works[w];
            out_.open += work.open ? 1 : 0;
            out_.unknown += !work.open && work.origin == PathOrigin::unknown ? 1 : 0;
            if (!is_child[w] && !work.open && work.origin != PathOrigin::unknown) roots_.push_back(w);
        }
    }

    // The calls on each work's own path, last first.
    void find_paths() {
        path_first_.assign(forest_.works.size() + 1, 0);
        for (std::uint32_t w = 0; w < forest_.works.size(); ++w) {
            std::int64_t before = forest_.works[w].end;
            std::uint32_t place = kNone;  // only what began earlier than this
            const auto by_end = calls_of(w).by_end;
            for (std::size_t i = by_end.size(); i-- > 0;) {
                const PathCall& c = call(by_end[i]);
                if (c.end > before || place_[by_end[i]] >= place) continue;
                // Of those that end together the one that began first was waited for longest.
                if (i > 0 && call(by_end[i - 1]).end == c.end) continue;
                on_path_.push_back(by_end[i]);
                before = c.start, place = place_[by_end[i]];
            }
            path_first_[w + 1] = on_path_.size();
        }
    }

    void add_up_edges() {
        std::vector<std::uint8_t> is_on_path(forest_.calls.size(), 0);
        for (const std::uint32_t i : on_path_) is_on_path[i] = 1;
        for (std::uint32_t i = 0; i < forest_.calls.size(); ++i) {
            const PathCall& c = call(i);
            const PathWork& work = forest_.works[c.parent];
            PathEdge& edge = edges_[{work.service, c.service}];
            ++edge.calls;
            if (is_on_path[i]) ++edge.on_path, add_to(edge.path_ns, c.end - c.start);
            const std::int64_t longer = std::max(c.longer, work.open ? 0 : c.end - work.end);
            if (longer > 0) ++edge.not_waited, add_to(edge.longer_ns, longer);
        }
    }

    // Calls `step(service, between, depth, at, ns)` along the path of `root`, in the order of time.
    template <class Step>
    void walk(std::uint32_t root, const Step& step) const {
        struct Level {
            std::uint32_t work;
            std::size_t next;     // of its path's calls: they are last first
            std::int64_t done;    // until when, of its clock
            std::int64_t offset;  // of its clock, to that of the root's start
            std::int64_t rest;    // between, after it
        };
        std::vector<Level> open{{root, path_first_[root + 1], forest_.works[root].start, -forest_.works[root].start, 0}};
        const auto tell = [&](std::uint32_t service, bool between, std::size_t depth, std::int64_t at, std::int64_t ns) {
            if (ns > 0) step(service, between, static_cast<std::uint32_t>(depth), at, ns);
        };
        while (!open.empty()) {
            Level& level = open.back();
            const PathWork& work = forest_.works[level.work];
            const std::size_t depth = open.size() - 1;
            if (level.next == path_first_[level.work]) {
                tell(work.service, false, depth, level.done + level.offset, work.end - level.done);
                tell(work.service, true, depth, work.end + level.offset, level.rest);
                open.pop_back();
                continue;
            }
            const PathCall& c = call(on_path_[--level.next]);
            const std::int64_t from = c.start, at = from + level.offset;
            tell(work.service, false, depth, level.done + level.offset, from - level.done);
            level.done = c.end;
            if (c.child == kNone) {
                tell(c.service, false, depth + 1, at, c.end - from);
                continue;
            }
            // The clocks of both ends may differ: half of the way is there, half back.
            const PathWork& child = forest_.works[c.child];
            const std::int64_t way = std::max<std::int64_t>(0, (c.end - from) - length(c.child));
            tell(child.service, true, depth + 1, at, way / 2);
            open.push_back({c.child, path_first_[c.child + 1], child.start, at + way / 2 - child.start, way - way / 2});
        }
    }

    [[nodiscard]] std::map<std::uint32_t, PathShare> shares_of(std::uint32_t root) const {
        std::map<std::uint32_t, PathShare> mine;
        walk(root, [&](std::uint32_t service, bool between, std::uint32_t, std::int64_t, std::int64_t ns) {
            add_to(between ? mine[service].between_ns : mine[service].own_ns, ns);
        });
        return mine;
    }

    // The calls on the path of `root`, and on those of what they wait for.
    void list_path(std::uint32_t root, std::vector<std::uint32_t>& calls) const {
        std::vector<std::uint32_t> open{root};
        while (!open.empty()) {
            const std::uint32_t work = open.back();
            open.pop_back();
            for (std::size_t i = path_first_[work]; i < path_first_[work + 1]; ++i) {
                const PathCall& c = call(on_path_[i]);
                calls.push_back(c.source);
                if (c.child != kNone) open.push_back(c.child);
            }
        }
    }

    void add_up(std::uint32_t root) {
        const PathWork& work = forest_.works[root];
        Group& to = groups_[{work.kind, work.origin == PathOrigin::detached}];
        ++to.group.requests;
        add_to(to.group.total_ns, length(root));
        to.lengths.push_back(length(root));
        for (const auto& [service, share] : shares_of(root)) {
            PathShare& sum = to.shares[service];
            ++sum.requests;
            add_to(sum.own_ns, share.own_ns), add_to(sum.between_ns, share.between_ns);
            add_to(own_[service], share.own_ns);
        }
    }

    // How long each work would take were `service` faster; of all, parents after children.
    void replay(std::uint32_t service, std::vector<std::int64_t>& lengths) const {
        std::vector<std::int64_t> ends;  // by place among the work's calls, after its start
        for (std::size_t n = order_.size(); n-- > 0;) {
            const std::uint32_t w = order_[n];
            const PathWork& work = forest_.works[w];
            const Calls calls = calls_of(w);
            const auto own = [&](std::int64_t ns) { return work.service == service ? nine_tenths(ns) : ns; };
            ends.resize(calls.by_start.size());
            std::int64_t last = 0, new_last = 0;  // end of what has ended, and when it would
            std::size_t ended = 0;
            const auto let_end = [&](std::uint32_t i) {
                last = call(i).end - work.start;
                new_last = std::max(new_last, ends[place_[i] - first_[w]]);
            };
            for (std::uint32_t k = 0; k < calls.by_start.size(); ++k) {
                const PathCall& c = call(calls.by_start[k]);
                if (!waited(c)) continue;
                const std::int64_t from = c.start - work.start;
                for (; ended < calls.by_end.size(); ++ended) {
                    const std::uint32_t e = calls.by_end[ended];
                    if (call(e).end - work.start > from || place_[e] - first_[w] >= k) break;
                    let_end(e);
                }
                std::int64_t takes = c.end - c.start;
                if (c.child != kNone)
                    takes += lengths[c.child] - length(c.child);
                else if (c.service == service)
                    takes = nine_tenths(takes);
                ends[k] = new_last + own(from - last) + takes;
            }
            for (; ended < calls.by_end.size() && waited(call(calls.by_end[ended])); ++ended) let_end(calls.by_end[ended]);
            lengths[w] = new_last + own(length(w) - last);
        }
    }

    [[nodiscard]] std::vector<std::uint32_t> with_most_time() const {
        std::vector<std::pair<std::int64_t, std::uint32_t>> most;
        for (const auto& [service, ns] : own_) most.emplace_back(-ns, service);
        std::ranges::sort(most);
        if (most.size() > options_.asked) most.resize(options_.asked);
        std::vector<std::uint32_t> services;
        for (const auto& [ns, service] : most) services.push_back(service);
        return services;
    }

    void ask_what_is_saved() {
        std::vector<std::int64_t> lengths(forest_.works.size());
        for (const std::uint32_t service : with_most_time()) {
            replay(service, lengths);
            for (auto& [key, to] : groups_)
                if (const auto share = to.shares.find(service); share != to.shares.end()) share->second.asked = true;
            for (const std::uint32_t root : roots_) {
                const PathWork& work = forest_.works[root];
                auto& shares = groups_[{work.kind, work.origin == PathOrigin::detached}].shares;
                if (const auto share = shares.find(service); share != shares.end())
                    add_to(share->second.saves_ns, length(root) - lengths[root]);
            }
        }
    }

    CriticalPaths finish() {
        for (auto& [key, to] : groups_) {
            PathGroup& g = to.group;
            g.what = forest_.kinds[key.first], g.detached = key.second;
            g.p50_ns = percentile(std::span(to.lengths), 0.50).value_or(0);
            g.p95_ns = percentile(std::span(to.lengths), 0.95).value_or(0);
            g.p99_ns = percentile(std::span(to.lengths), 0.99).value_or(0);
            for (auto& [service, share] : to.shares) share.service = service, g.shares.push_back(share);
            std::ranges::stable_sort(g.shares, std::greater(), [](const PathShare& s) {
                return static_cast<double>(s.own_ns) + static_cast<double>(s.between_ns);
            });
            out_.groups.push_back(std::move(g));
        }
        std::ranges::stable_sort(out_.groups, {}, [](const PathGroup& g) { return std::pair(g.detached, -g.total_ns); });
        for (auto& [key, edge] : edges_) {
            edge.from = key.first, edge.to = key.second;
            out_.edges.push_back(edge);
        }
        std::erase_if(roots_, [&](std::uint32_t r) { return forest_.works[r].origin != PathOrigin::outside; });
        std::ranges::stable_sort(roots_, std::greater(), [&](std::uint32_t r) { return length(r); });
        if (roots_.size() > options_.slowest) roots_.resize(options_.slowest);
        for (const std::uint32_t root : roots_) {
            const PathWork& work = forest_.works[root];
            PathRequest told{.what = forest_.kinds[work.kind], .id = work.id, .ns = length(root)};
            walk(root, [&](std::uint32_t service, bool between, std::uint32_t depth, std::int64_t at, std::int64_t ns) {
                if (told.steps.size() < options_.steps)
                    told.steps.push_back({service, between, depth, at, ns});
                else
                    told.cut = true;
            });
            out_.slowest.push_back(std::move(told));
        }
        out_.not_kept = forest_.not_kept;
        return std::move(out_);
    }

    const PathForest& forest_;
    const CriticalPathOptions& options_;
    std::vector<std::size_t> first_;  // of each work's calls in by_start_ and by_end_
    std::vector<std::uint32_t> by_start_, by_end_, place_;
    std::vector<std::uint32_t> order_, roots_;
    std::vector<std::size_t> path_first_;  // of each work's calls in on_path_
    std::vector<std::uint32_t> on_path_;
    std::map<std::pair<std::uint32_t, bool>, Group> groups_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, PathEdge> edges_;
    std::map<std::uint32_t, std::int64_t> own_;
    CriticalPaths out_;
};

}  // namespace

CriticalPaths critical_paths(PathForest forest, const CriticalPathOptions& options) {
    CriticalPaths out = Paths(forest, options).result();
    out.names = std::move(forest.names);
    return out;
}

RequestPaths request_paths(const OwnerGraph& graph, const CriticalPathOptions& options) {
    const PathForest forest = path_forest(graph);
    return Paths(forest, options).requests();
}

}  // namespace autotune::analysis
