#include "agent/budget/budget.hpp"

#include <algorithm>
#include <utility>

namespace autotune {
namespace {

struct Words {
    std::string_view label, people;
};
constexpr std::array<Words, kGivenCount> kWords{{
    {"waits", "single waits"},
    {"most_samples", "most stack samples"},
    {"file_io", "calls on files"},
    {"socket_io", "calls on sockets"},
    {"last_calls", "the last system calls before a kill"},
    {"samples", "all stack samples"},
    {"causes", "the causes of waits"},
    {"invocations", "three in four of the invocations left that end well"},
}};

std::vector<Given> steps_of(const Detail& wish, const BudgetOptions& options) {
    std::vector<Given> steps;
    if (wish.waits) steps.push_back(Given::waits);
    const bool sampled = wish.stacks && wish.sample_hz > 0;
    if (sampled && wish.sample_hz > kFewSamplesHz) steps.push_back(Given::most_samples);
    if (wish.io) steps.insert(steps.end(), {Given::file_io, Given::socket_io});
    steps.push_back(Given::last_calls);
    if (sampled) steps.push_back(Given::samples);
    if (wish.io && options.causes) steps.push_back(Given::causes);
    steps.insert(steps.end(), kTimesToldFewer, Given::invocations);
    return steps;
}

double mean(const Spent& from, const Spent& to) {
    const double time = to_seconds(to.at - from.at);
    return time > 0 ? (to.seconds - from.seconds) / time : 0;
}

}  // namespace

std::string_view to_string(Given what) { return kWords[static_cast<std::size_t>(what)].label; }
std::string_view describe(Given what) { return kWords[static_cast<std::size_t>(what)].people; }

Budget::Budget(const BudgetOptions& options, Detail wish)
    : options_(options), wish_(std::move(wish)), steps_(steps_of(wish_, options)), patience_(options.patience) {}

bool Budget::weigh(const Spent& now) {
    seen_.push_back(now);
    while (seen_.size() > 2 && now.at - seen_[1].at >= options_.window) seen_.pop_front();
    const Nanos time = now.at - seen_.front().at;
    load_ = mean(seen_.front(), now);

    const bool settled = time >= options_.window;
    const bool too_much = load_ > options_.cores && (settled || load_ > options_.much * options_.cores);
    const double events = time > Nanos(0) ? static_cast<double>(now.events - seen_.front().events) / to_seconds(time) : 0;
    const bool helps =
        level_ < steps_.size() && (steps_[level_] != Given::invocations || events >= options_.many);
    if (too_much && time > Nanos(0) && helps) {
        const bool too_early = taken_back_ && now.at - *taken_back_ < patience_;
        patience_ = too_early ? std::min(2 * patience_, options_.most_patience) : options_.patience;
        change(now, level_ + 1);
        return true;
    }
    if (!settled || load_ > options_.little * options_.cores) {
        if (settled) below_since_.reset();
        return false;
    }
    if (!below_since_) below_since_ = now.at;
    if (level_ == 0 || now.at - *below_since_ < patience_) return false;
    change(now, level_ - 1);
    taken_back_ = now.at;
    return true;
}

// What was seen before says nothing of what is now.
void Budget::change(const Spent& now, std::size_t level) {
    level_ = level;
    seen_.assign(1, now);
    below_since_.reset();
}

Detail Budget::detail() const {
    Detail left = wish_;
    for (const Given what : given_up()) switch (what) {
            case Given::waits: left.shed.waits = true; break;
            case Given::most_samples: left.sample_hz = kFewSamplesHz; break;
            case Given::file_io: left.shed.files = true; break;
            case Given::socket_io: left.shed.sockets = true; break;
            case Given::last_calls: left.shed.last_calls = true; break;
            case Given::samples: left.stacks = false; break;
            case Given::invocations: left.shed.told_one_in *= kToldFewer; break;
            case Given::causes: left.shed.causes = true; break;
        }
    return left;
}

}  // namespace autotune
