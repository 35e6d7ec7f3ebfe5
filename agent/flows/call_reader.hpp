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

#include "agent/flows/csv_rows.hpp"
#include "agent/flows/recent_ids.hpp"
#include "core/flow.hpp"
#include "core/result.hpp"
#include "core/service_call.hpp"

namespace autotune {

// Rows that cannot be used are skipped, counted and told. One owner.
class CallReader {
public:
    static constexpr std::size_t kTold = 10;
    static constexpr std::size_t kIdsKept = 262'144;  // an id that comes again later than that is not noticed

    // Services are FlowNames' services without a label, endpoints those with the operation as label.
    explicit CallReader(FlowNames& names) : names_(names) {}

    // Appends what the piece holds. Errors: invalid_argument for a first line that lacks columns.
    [[nodiscard]] Status feed(std::string_view piece, std::vector<ServiceCall>& out);
    [[nodiscard]] Status finish(std::vector<ServiceCall>& out);

    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
    // Distance of the clocks' ticks, as far as the times tell.
    [[nodiscard]] std::int64_t step_ns() const { return step_ns_; }
    // "17: the end is before the start", the first kTold.
    [[nodiscard]] const std::vector<std::string>& told() const { return told_; }

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
    Status line(std::string_view text, std::vector<ServiceCall>& out);
    Status header();
    void row(std::vector<ServiceCall>& out);
    void skip(std::string why);
    void look_at_step(std::int64_t time);
    [[nodiscard]] std::string_view cell(Column column) const;

    FlowNames& names_;
    TextLines lines_;
    std::vector<std::string_view> cells_;
    std::vector<std::string> unquoted_;
    std::array<int, kColumns> columns_{};
    bool begun_ = false;
    std::uint64_t number_ = 0, skipped_ = 0;
    std::int64_t step_ns_ = 1'000'000'000;
    RecentIds ids_{kIdsKept};
    std::vector<std::string> told_;
};

}  // namespace autotune
