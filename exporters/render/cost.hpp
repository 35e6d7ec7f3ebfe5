// What an application costs: for people (text) and machines (JSON). Pure; same bill, same bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/bill.hpp"
#include "core/cost_model.hpp"
#include "core/measured_cost.hpp"

namespace autotune::render {

struct CostReport {
    const CostModel* model = nullptr;  // none of these is null but `after`
    const Bill* bill = nullptr;
    const std::vector<Tariff>* tariffs = nullptr;  // those that were used
    // What if: another bill of the same services and endpoints, beside the first.
    const Bill* after = nullptr;
    std::vector<std::string> changes;  // in words
    // Where the model was measured: of what, and between what the totals lie.
    const MeasuredCost* measured = nullptr;
    std::optional<CostInterval> interval, after_interval;
};

// A line an endpoint: cents are rounded only as they are shown.
[[nodiscard]] std::string cost_text(const CostReport& report);
// {"total_usd","total_exact","charges","services":[…],"endpoints":[…],"meters":[…],"tariffs":[…]}, and with
// another bill "after" with the same but tariffs, "changes" and "difference_usd". Amounts are USD: numbers to
// the cent, and exact as text. Of a measured model also
// "measured": {"from","to","invocations","scale","remarks",…} and "interval" (null: none) of each bill. One line.
[[nodiscard]] std::string cost_json(const CostReport& report);

}  // namespace autotune::render
