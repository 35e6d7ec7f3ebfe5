// The canary judge: is the candidate no worse than the margins, is it harmful, or is it too early?
//
// Sequential: may be asked after every pair without spoiling the error bounds. Evidence is an
// E-value, a bet against a hypothesis whose expected gain is at most 1 if the hypothesis is true; so
// P(E ever ≥ 1/α) ≤ α (Ville). Promote when both
//   latency  E = 2^(n+1)·B(S+1, n−S+1)·I½(S+1, n−S+1), S = #{x > (1+δ)·y} of n untied pairs, and
//   errors   E = mean over λ of Π(1 + λ(ε + a − b)), a: only the baseline failed, b: only the canary
// reach 1/α. A failed call is slower than any success; when both fail there is no latency pair.
// Roll back when one of K = 3 tests of harm (latency signs without margin, signs of discordant
// failures, signs of calls beyond the p95 of earlier baseline calls) reaches K/β, or at the first
// out-of-memory kill of the canary where the baseline had none. Insufficient data never passes.
//
// Pure; the state is a value. No clock: the caller says when the horizon is reached.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/plan.hpp"
#include "core/time.hpp"

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
inline constexpr std::array<double, 7> kBets{1. / 64, 1. / 32, 1. / 16, 1. / 8, 1. / 4, 1. / 2, 0.99};
inline constexpr int kHarmTests = 3;
struct SignCount {
    std::uint64_t worse = 0;  // for the canary
    std::uint64_t total = 0;  // without ties
};
struct JudgeState {
    std::uint64_t pairs = 0;
    SignCount beyond_margin;                        // x > (1+δ)·y
    SignCount slower, fails_alone, in_tail;         // the three tests of harm
    std::array<double, kBets.size()> log_wealth{};  // natural logarithm, one a bet
    std::vector<Nanos> earlier_baseline;            // of successes, sorted
    std::uint64_t baseline_failures = 0;            // in pairs; they count as slower than any success
};
void observe(JudgeState& state, const Pair& pair, const CanaryPolicy& policy);

struct Evidences {  // log10 of E
    double latency = 0, errors = 0;
    double harm_latency = 0, harm_errors = 0, harm_tail = 0;
};
[[nodiscard]] Evidences evidences(const JudgeState& state);

}  // namespace autotune::rules
