// Pairs of calls from a table: pair,bucket,baseline_ms,canary_ms,baseline_ok,canary_ok,canary_oom.
//
// In the order of the file. An empty cell is not known, and so is the end of its call; only the time of a call
// that failed may be left out. `pair`, `bucket`, `canary_oom` and `baseline_oom` need not be there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tables/csv_table.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune {

struct CanaryCall {
    bool ok = false;
    bool out_of_memory = false;  // never ok
    Nanos duration{0};           // of a call that failed: 0 where the table has none
};

// nullopt: how the call ended is not known.
struct CanaryRow {
    std::optional<CanaryCall> baseline, canary;
    std::string bucket;
};

class CanaryRows {
public:
    CanaryRows();
    // Appends what was read. Errors: as CsvTable.
    [[nodiscard]] Status feed(std::string_view piece, std::vector<CanaryRow>& rows);
    [[nodiscard]] Status finish(std::vector<CanaryRow>& rows);

private:
    CsvTable table_;
};

}  // namespace autotune
