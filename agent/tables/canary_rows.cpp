#include "agent/tables/canary_rows.hpp"

#include <cmath>

namespace autotune {

namespace {

enum Column : std::size_t { kBucket, kBaselineMs, kCanaryMs, kBaselineOk, kCanaryOk, kCanaryOom, kBaselineOom };
constexpr double kLongestMs = 1e9;  // eleven days

struct Cells {
    std::size_t ms, ok, oom;
};

Result<std::optional<CanaryCall>> call_of(const CsvRow& row, const Cells& cells) {
    const auto ms = row.number(cells.ms);
    if (!ms) return ms.forward();
    if (*ms && **ms > kLongestMs) return row.fail(cells.ms, "longer than eleven days");
    const auto succeeded = row.yes_or_no(cells.ok);
    if (!succeeded) return succeeded.forward();
    const auto oom = row.yes_or_no(cells.oom);
    if (!oom) return oom.forward();
    CanaryCall call{.out_of_memory = oom->value_or(false),
                    .duration = Nanos(std::llround(ms->value_or(0) * 1e6))};
    if (call.out_of_memory) return std::optional(call);  // whatever the other cells say
    if (!*succeeded || (**succeeded && !*ms)) return std::optional<CanaryCall>();
    call.ok = **succeeded;
    return std::optional(call);
}

Status add(const CsvRow& row, std::vector<CanaryRow>& rows) {
    const auto baseline = call_of(row, {kBaselineMs, kBaselineOk, kBaselineOom});
    if (!baseline) return baseline.forward();
    const auto canary = call_of(row, {kCanaryMs, kCanaryOk, kCanaryOom});
    if (!canary) return canary.forward();
    rows.push_back({*baseline, *canary, std::string(row.text(kBucket))});
    return ok();
}

}  // namespace

CanaryRows::CanaryRows()
    : table_({{"bucket", CsvColumn::Need::optional},
              {"baseline_ms"},
              {"canary_ms"},
              {"baseline_ok"},
              {"canary_ok"},
              {"canary_oom", CsvColumn::Need::optional},
              {"baseline_oom", CsvColumn::Need::optional}}) {}

Status CanaryRows::feed(std::string_view piece, std::vector<CanaryRow>& rows) {
    return table_.feed(piece, [&](const CsvRow& row) { return add(row, rows); });
}

Status CanaryRows::finish(std::vector<CanaryRow>& rows) {
    return table_.finish([&](const CsvRow& row) { return add(row, rows); });
}

}  // namespace autotune
