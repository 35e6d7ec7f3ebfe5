// The canary judge: is the candidate no worse than the margins, is it harmful, or is it too early?
//
// Sequential: may be asked after every pair without spoiling the error bounds. Evidence is an E value, a bet
// against a hypothesis that can expect no gain if the hypothesis is true; so P(E ever ≥ 1/α) ≤ α (Ville). The
// hypotheses, the bets and the proofs: docs/decisions/0030-the-judges-bets.md.
//
// With y the baseline's time, allowed(y, m) = the larger of (1+m)·y and y + indifference, in the ticks in which
// times are recorded. Promote when both reach 1/α:
//   latency  E = 2^(n+1)·B(S+1, n−S+1)·I½(S+1, n−S+1), S = #{x > allowed(y, latency margin)} of n untied pairs
//   errors   E = Σ share·Π(1 + λ(ε + a − b)), a: only the baseline failed, b: only the canary
// A failed call is slower than any success; when both fail there is no latency pair. Roll back when the harm,
// ½ latency + ¼ errors + ¼ tail, reaches 1/β:
//   latency  half by the signs of x against allowed(y, harm margin), half by signs times ranks of the difference
//   errors   signs of discordant failures
//   tail     signs of calls beyond the p95 T of earlier baseline calls; for the canary beyond allowed(T, harm margin)
// or at the first out-of-memory kill of the canary where the baseline had none. Insufficient data never passes.
//
// Pure; the state is a value. No clock: the caller says when the horizon is reached.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/plan.hpp"
#include "core/time.hpp"
#include "rules/canary/bets.hpp"
#include "rules/canary/ranks.hpp"

namespace autotune::rules {

struct CallResult {
    Nanos duration{0};
    enum class End : std::uint8_t { ok, failed, out_of_memory } end = End::ok;
};
[[nodiscard]] constexpr bool failed(const CallResult& c) { return c.end != CallResult::End::ok; }

struct Pair {
    CallResult canary;
    CallResult baseline;
};

struct CallCounts {
    std::uint64_t calls = 0;     // whose end is known
    std::uint64_t failures = 0;  // out-of-memory kills among them
    std::uint64_t out_of_memory = 0;
    std::uint64_t unknown = 0;  // whose end is not known; not in `calls`
};

// All that was observed of a canary so far.
struct Trial {
    std::vector<Pair> pairs;  // in the order in which they were completed
    CallCounts canary;        // paired or not
    CallCounts baseline;
};

enum class Horizon : std::uint8_t { open, reached };

// Decision at the first pair at which one of the tests decides; later pairs do not change it. At the
// horizon `waiting` becomes `hold`; what then happens is policy.on_hold's, not the judge's.
[[nodiscard]] JudgeReport judge(const Trial& trial, const CanaryPolicy& policy, Horizon horizon);

// Of pairs alone: every call is in a pair.
[[nodiscard]] JudgeReport judge(std::span<const Pair> pairs, const CanaryPolicy& policy, Horizon horizon);

// The same, one pair at a time.
// Most of the errors' purse bets that nothing fails: 348 clean pairs promote at a margin of 1 point.
inline constexpr Stakes<8> kErrorStakes{
    {1. / 64, 1. / 32, 1. / 16, 1. / 8, 1. / 4, 1. / 2, 3. / 4, 0.99},
    {0.4 / 7, 0.4 / 7, 0.4 / 7, 0.4 / 7, 0.4 / 7, 0.4 / 7, 0.4 / 7, 0.6}};
// The least stake gains from what happens to 54 of 100 pairs or more: slower by less is not worth a rollback.
inline constexpr Stakes<4> kHarmStakes{{0.15, 0.3, 0.6, 0.97}, {0.25, 0.25, 0.25, 0.25}};
inline constexpr std::array<double, 3> kHarmShares{0.5, 0.25, 0.25};  // latency, errors, tail

struct SignCount {
    std::uint64_t worse = 0;  // for the canary
    std::uint64_t total = 0;  // without ties
};
struct JudgeState {
    std::uint64_t pairs = 0;
    Nanos tick = std::chrono::milliseconds(1);  // of recorded times: the greatest of 1 ms, 100 µs, … that divides all
    SignCount beyond_margin;                    // x > allowed(y, latency margin)
    Purse<8> errors;
    Purse<4> slower_signs, slower_ranks;        // x > allowed(y, harm margin)
    SizeRanks differences;                      // of |ln x − ln allowed(y, harm margin)|
    SignCount slower, fails_alone, in_tail;
    TailThreshold baseline_tail;
};
void observe(JudgeState& state, const Pair& pair, const CanaryPolicy& policy);

struct Evidences {  // log10 of E
    double latency = 0, errors = 0;
    double harm = 0;  // of which:
    double harm_latency = 0, harm_errors = 0, harm_tail = 0;
};
[[nodiscard]] Evidences evidences(const JudgeState& state);

// As judge, with the evidence after each pair up to the decision.
struct JudgedPath {
    JudgeReport report;
    std::vector<Evidences> path;
};
[[nodiscard]] JudgedPath judge_with_path(const Trial& trial, const CanaryPolicy& policy, Horizon horizon);

}  // namespace autotune::rules
