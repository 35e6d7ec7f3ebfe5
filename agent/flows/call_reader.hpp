// Calls between services out of a table.
//
// The first line names the columns, in any order, others are passed over: id, caller (empty of a root),
// callee, operation (may be missing), callee_start_us, callee_end_us, and where they were recorded
// caller_start_us and caller_end_us, which may be empty. Times are whole microseconds since any moment;
// decimals are kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/flows/recent_ids.hpp"
#include "agent/flows/table_rows.hpp"
#include "core/flow.hpp"
#include "core/result.hpp"
#include "core/service_call.hpp"

namespace autotune {

// Rows that cannot be used are skipped, counted and told (TableRows). One owner.
class CallReader {
public:
    static constexpr std::size_t kIdsKept = 262'144;  // an id that comes again later than that is not noticed

    // Services are FlowNames' services without a label, endpoints those with the operation as label.
    explicit CallReader(FlowNames& names) : names_(names) {}

    // Appends what the piece holds. Errors: invalid_argument for a first line that lacks columns, or has one twice.
    [[nodiscard]] Status feed(std::string_view piece, std::vector<ServiceCall>& out);
    [[nodiscard]] Status finish(std::vector<ServiceCall>& out);

    [[nodiscard]] std::uint64_t skipped() const { return rows_.skipped(); }
    // Distance of the clocks' ticks, as far as the times tell.
    [[nodiscard]] std::int64_t step_ns() const { return step_ns_; }
    [[nodiscard]] const std::vector<std::string>& told() const { return rows_.told(); }

private:
    enum Column {
        kId,
        kCaller,
        kCallee,
        kOperation,
        kCallerStart,
        kCallerEnd,
        kCalleeStart,
        kCalleeEnd,
        kColumns
    };
    Status header();
    void row(std::vector<ServiceCall>& out);
    void look_at_step(std::int64_t time);
    [[nodiscard]] std::string_view cell(Column column) const { return rows_.cell(columns_[column]); }

    FlowNames& names_;
    TableRows rows_;
    std::array<int, kColumns> columns_{};
    std::int64_t step_ns_ = 1'000'000'000;
    RecentIds ids_{kIdsKept};
};

}  // namespace autotune
