// What the conditions of all rules say of a function, and a memory of it: a function whose facts are as
// they were at the last evaluation needs no new look.
//
// Not thread-safe. Bounded by the functions of the last evaluation.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/facts.hpp"
#include "rules/condition.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

enum class Said : std::uint8_t { no, yes, unknown, out_of_scope };

// Of one function over one window.
struct Look {
    std::vector<Said> when;                                  // by rule
    std::vector<std::pair<std::uint32_t, Verdict>> holding;  // rules whose `when` holds, ascending
};

// All rules of that window on the function, from scratch.
void look(const RuleSet& rules, Nanos window, const FunctionFacts& facts, const SloValues& slo, Look& out);

class Memo {
public:
    // Begins an evaluation: other rules than at the last one, and all is forgotten.
    void begin(const RuleSet& rules);
    // As look() would find it. Valid until the next call for this window and function, or end().
    const Look& look(const RuleSet& rules, Nanos window, const FunctionFacts& facts, const SloValues& slo);
    // Forgets the functions that were not looked at since begin().
    void end();

private:
    struct Seen {
        FunctionFacts facts;
        SloValues slo;
        Look look;
        std::uint64_t evaluation = 0;
    };
    std::vector<std::shared_ptr<const cel::Program>>
        programs_;  // of the rules' `when`: what they are known by
    std::map<Nanos, std::unordered_map<FunctionRef, Seen>> seen_;
    std::uint64_t evaluation_ = 0;
};

}  // namespace autotune::rules
