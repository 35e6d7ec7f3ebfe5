// CallMeter: the kernel side's sums of calls, which only grow, to CallTotals: what is new since the last
// look. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>

#include "bpf/calls_wire.h"

namespace autotune::native {

class CallMeter {
public:
    // What came since the last call for this key; nothing when that is nothing.
    [[nodiscard]] std::optional<at_call_sums> fresh(const at_call_key& key, const at_call_sums& now);
    void forget(const at_call_key& key) { seen_.erase(order(key)); }

private:
    using Order = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>;
    static Order order(const at_call_key& k) {
        return {k.process_start_ns, k.tgid, k.tid, k.function, k.caller};
    }
    std::map<Order, at_call_sums> seen_;
};

}  // namespace autotune::native
