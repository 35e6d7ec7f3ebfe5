// What people are told beside a rule's own words: what the symptom costs, how sure the diagnosis is, what could be done at
// once, what is not known. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/facts.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"
#include "core/sink.hpp"

namespace autotune::cli {

// Of one tariff: the first tier's, without what is free, in USD.
struct Price {
    double gb_second = 0, request = 0;
    std::optional<double> kept_gb_second = {};  // of an environment that is kept initialised; unset: not known
    std::string name;  // "AWS Lambda, x86, US East (N. Virginia), prices of 2025-08-01"
};

// Of a tariff by name, or of a file that ends in .yaml. Errors: not_found, with the names that there are; the file's.
[[nodiscard]] Result<Price> price_of(const std::string& tariff);

// Views: valid during the call.
struct Seen {
    const FunctionFacts* facts = nullptr;  // of the rule's window; null: not known any more
    std::optional<std::size_t> boxes;      // black boxes of the function in the window; unset: none are written down
    const AgentHealth* health = nullptr;
    const Price* price = nullptr;          // null: nothing is known of prices
    std::string rules_file;
    Nanos window{0};
    std::string state = {};                // folder of the agent, for commands; "": the default
};

// Into the action: impact (priced; REQUIRES: evidence.impact, unpriced), confidence, missing, next, risk.
void diagnose(Action& action, const Seen& seen);

// Wilson's score interval of a share, 95 % (E. B. Wilson, 1927). REQUIRES: part <= whole; {0, 1} when whole is 0.
struct Interval {
    double low = 0, high = 1;
};
[[nodiscard]] Interval wilson(double part, double whole);

}  // namespace autotune::cli
