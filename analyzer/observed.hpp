// What the platform told of a function's calls: those it refused, and inputs that came twice. Bounded.
//
// Refusals are kept as counts by the second, so that a storm of them costs no more than a few. Of inputs the newest
// kMostInputs are known, as hashes: one that comes again after more others is taken for new, so repetitions are missed
// and never made up.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/facts.hpp"
#include "core/observations.hpp"
#include "core/time.hpp"

namespace autotune::analysis {

class Observed {
public:
    Observed() = default;
    Observed(Observed&&) = default;
    Observed& operator=(Observed&&) = default;
    ~Observed() = default;

    static constexpr std::size_t kMostInputs = 4'096;

    void add(const ThrottledCall& call, Timestamp at);
    void add(const AnsweredCall& call, Timestamp at);
    void forget(Timestamp before);
    // fn.throttles and what goes with it, over [from, to]. REQUIRES: out.fn has fn.invocations.
    void tell(FunctionFacts& out, Timestamp from, Timestamp to) const;

private:
    struct Refused {  // within a second of `at`, the first
        Timestamp at, last;
        std::optional<std::uint32_t> limit;
        std::int64_t count = 0;
    };
    struct Repeated {  // likewise
        Timestamp at;
        std::int64_t count = 0, differed = 0;
        std::string pair;  // of invocations that differed, the last ones
    };
    struct Known {
        std::uint64_t key = 0, output = 0;
        InvocationId id;
    };
    std::deque<Refused> refused_;
    std::deque<Repeated> repeated_;
    std::list<Known> inputs_;  // the newest first
    std::unordered_map<std::uint64_t, std::list<Known>::iterator> by_key_;
};

}  // namespace autotune::analysis
