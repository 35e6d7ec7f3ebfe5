// ToldNumbers: processes and addresses that the sampler's kernel side has told, and now refers to by number
// (bpf/sampler_wire.h). Nothing here asks the system. One thread. Bounded: more of both are kept than the kernel side
// remembers to have told; a number that is not known makes its record one that cannot be decoded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/symbols/recently_used.hpp"
#include "bpf/sampler_wire.h"
#include "core/ids.hpp"

namespace autotune::symbols {

class ToldNumbers {
public:
    struct Owner {
        ProcessId process;
        CgroupId cgroup{};
    };
    void tell(std::uint32_t number, const Owner& owner) { processes_.put(number, owner); }
    [[nodiscard]] const Owner* process(std::uint32_t number) { return processes_.find(number); }

    // Numbers of addresses hold within an epoch; of two of them, the latest, they are known.
    void tell_address(std::uint16_t epoch, std::uint32_t number, std::uint64_t address);
    [[nodiscard]] std::optional<std::uint64_t> address(std::uint16_t epoch, std::uint16_t number) const;

private:
    struct Epoch {
        std::uint16_t number = 0;
        std::vector<std::uint64_t> addresses;  // 0: not told
    };
    RecentlyUsed<std::uint32_t, Owner> processes_{4 * AT_KEPT_PROCESSES};
    std::array<Epoch, 2> epochs_;
};

}  // namespace autotune::symbols
