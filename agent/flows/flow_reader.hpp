// Flows out of tables: of flow exports, or of calls between services.
//
// A table of flows has a first line with the names of its columns, in any order, others are passed over:
//   start, end             when, in seconds (decimals to the nanosecond), or start_ms, start_us, start_ns and
//   likewise src | src_ip           who asked dst | dst_ip           who was asked: with dst_port (or port)
//   and proto, where there are, the service
// A table of calls (columns caller, callee, callee_start_us, callee_end_us) is flows too: the callee's start
// to end, each service an address of its own, or all on one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/flows/table_rows.hpp"
#include "core/flow.hpp"
#include "core/result.hpp"

namespace autotune {

enum class CallAddresses : std::uint8_t { one_a_service, one_for_all };

// Rows that cannot be used are skipped, counted and told (TableRows). One owner.
class FlowReader {
public:
    explicit FlowReader(FlowNames& names, CallAddresses calls = CallAddresses::one_a_service)
        : names_(names), calls_(calls) {}

    // Appends what the piece holds. Errors: invalid_argument for a first line that lacks columns or has one twice; nothing is
    // read then.
    [[nodiscard]] Status feed(std::string_view piece, std::vector<Flow>& out);
    [[nodiscard]] Status finish(std::vector<Flow>& out);

    [[nodiscard]] std::uint64_t skipped() const { return rows_.skipped(); }
    [[nodiscard]] const std::vector<std::string>& told() const { return rows_.told(); }

private:
    struct Time {
        int column = -1;
        int digits = 9;  // of a nanosecond count behind the unit's point
    };
    Status header();
    void row(std::vector<Flow>& out);
    bool place(Flow& flow);
    [[nodiscard]] std::string_view cell(int column) const { return rows_.cell(column); }

    FlowNames& names_;
    const CallAddresses calls_;
    TableRows rows_;
    Time start_, end_;
    int source_ = -1, host_ = -1, port_ = -1, proto_ = -1;
    bool of_calls_ = false;
    std::string label_;
};

}  // namespace autotune
