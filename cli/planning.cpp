#include "cli/planning.hpp"

#include <algorithm>
#include <limits>

#include "analyzer/history.hpp"
#include "analyzer/window_facts.hpp"
#include "rules/engine.hpp"

namespace autotune::cli {

namespace {

constexpr std::int64_t kTicks = 120;  // evaluations over the longest `for`, where windows allow so few

Timestamp on_wall(WallTime t) { return Timestamp(t.time_since_epoch()); }

Nanos longest_hold(const rules::RuleSet& rules) {
    Nanos longest{0};
    for (const rules::Rule& rule : rules.rules) longest = std::max(longest, rule.hold_for);
    return longest;
}

// A rule that nobody looked at for longer than its window begins to wait anew.
Nanos between_ticks(const rules::RuleSet& rules) {
    const std::vector<Nanos> windows = rules::windows(rules);
    const Nanos shortest = windows.empty() ? std::chrono::hours(1) : windows.front();
    return std::max<Nanos>(std::chrono::seconds(1), std::min(longest_hold(rules) / kTicks, shortest));
}

struct Ended {
    const Invocation* invocation;
    WallTime end;
};

class Replay {
public:
    Replay(const rules::RuleSet& rules, const Recorded& recorded)
        : rules_(rules), recorded_(recorded), windows_(rules::windows(rules)) {
        for (const Invocation& i : recorded.invocations)
            if (!i.held) ended_.push_back({&i, i.wall_start + i.duration});
        std::stable_sort(ended_.begin(), ended_.end(),
                         [](const Ended& a, const Ended& b) { return a.end < b.end; });
        past_ = rules::history_from(recorded.changes);
    }

    Plan run(WallTime now) {
        const Nanos step = between_ticks(rules_);
        for (Nanos ago = longest_hold(rules_); ago > Nanos(0); ago -= step) (void)tick(now - ago, nullptr);
        take_actions_from_journal();
        return tick(now, &recorded_.regrouper);
    }

private:
    Plan tick(WallTime at, const rules::Regrouper* regrouper) {
        for (; next_ < ended_.size() && ended_[next_].end <= at; ++next_) add(ended_[next_]);
        if (recorded_.observed != nullptr) {
            observe(recorded_.observed->throttled, next_throttled_, at);
            observe(recorded_.observed->answered, next_answered_, at);
        }
        std::vector<rules::WindowFacts> facts;
        for (const Nanos window : windows_) {
            facts.push_back({window, {}});
            for (const auto& [function, book] : books_.books()) {
                facts.back().functions.push_back(
                    analysis::window_facts(book, on_wall(at - window), on_wall(at)));
                if (recorded_.observed != nullptr)
                    book.observed.tell(facts.back().functions.back(), on_wall(at - window), on_wall(at));
                if (const auto labels = recorded_.labels.find(function); labels != recorded_.labels.end())
                    facts.back().functions.back().labels = labels->second;
            }
        }
        return rules::evaluate(rules_, state_,
                               {.facts = facts,
                                .history = &past_,
                                .platforms = &recorded_.platforms,
                                .mode = Mode::apply,
                                .now = at,
                                .memo = &memo_,
                                .regrouper = regrouper});
    }

    void add(const Ended& ended) {
        Invocation moved = *ended.invocation;
        moved.start = on_wall(moved.wall_start);
        moved.end = on_wall(ended.end);
        analysis::FunctionBook* book = books_.book(moved.function, moved.end);
        books_.add(*book, analysis::summarise(moved, next_));
        // Of the whole machine while it ran: those that ran at once tell the same loss again.
        if (moved.events_lost > 0) books_.add_loss(*book, {moved.end, moved.events_lost});
    }

    template <class Call>
    void observe(const std::vector<Call>& calls, std::size_t& next, WallTime until) {
        for (; next < calls.size() && calls[next].at <= until; ++next)
            books_.book(calls[next].function, on_wall(calls[next].at))->observed.add(calls[next], on_wall(calls[next].at));
    }

    // What the replay would have done was not done; what was told is only in the journal.
    void take_actions_from_journal() {
        for (auto& [key, one] : state_.rules) {
            one.acted.clear();
            one.refused_because.clear();
        }
        for (const ChangeRecord& record : recorded_.changes)
            if (record.disposition == Disposition::notified)
                state_.rules[{record.action.rule, record.action.target}].acted.push_back(record.opened);
        for (auto& [key, one] : state_.rules) std::sort(one.acted.begin(), one.acted.end());
    }

    const rules::RuleSet& rules_;
    const Recorded& recorded_;
    const std::vector<Nanos> windows_;
    std::vector<Ended> ended_;  // by end
    std::size_t next_ = 0;      // of those, the first that is not in the books
    std::size_t next_throttled_ = 0, next_answered_ = 0;  // likewise
    analysis::History books_{{.span = Nanos::max() / 2,
                              .records = std::numeric_limits<std::size_t>::max(),
                              .samples = 1,
                              .functions = std::numeric_limits<std::size_t>::max()}};
    rules::History past_;
    rules::EngineState state_;
    rules::Memo memo_;
};

}  // namespace

WallTime recorded_since(const rules::RuleSet& rules, WallTime now) {
    const std::vector<Nanos> windows = rules::windows(rules);
    return now - longest_hold(rules) - (windows.empty() ? Nanos(0) : windows.back());
}

Plan plan_from(const rules::RuleSet& rules, const Recorded& recorded, WallTime now) {
    return Replay(rules, recorded).run(now);
}

}  // namespace autotune::cli
