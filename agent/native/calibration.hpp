// What a probe itself adds to the duration of a call, measured with empty functions of this program, one for
// each kind of probe site and each way to see the end of a call. Half of the calls come in close succession, half of
// them apart: the error bar covers both.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/native/kernel_probes.hpp"
#include "agent/native/probe_site.hpp"

namespace autotune::native {

enum class EndSeenBy : std::uint8_t { return_probe, exit_sites };

struct ProbeBias {
    std::uint32_t bias_ns = 0;    // median that an empty call seemed to last
    std::uint32_t spread_ns = 0;  // from that to the tenth or the ninetieth percentile, whichever is further
    std::uint32_t cost_ns = 0;    // what the probes added to the caller's time
};

struct Calibration {
    std::array<std::array<ProbeBias, kSiteKindCount>, 2> by_end{};
    [[nodiscard]] const ProbeBias& of(SiteKind kind, EndSeenBy end) const {
        return by_end.at(static_cast<std::size_t>(end)).at(static_cast<std::size_t>(kind));
    }
};

// With probes of its own, which are gone when it returns. REQUIRES: `probes` follows processes, watches and
// probes nothing yet. Errors: as of KernelProbes::attach.
[[nodiscard]] Result<Calibration> calibrate(KernelProbes& probes);

}  // namespace autotune::native
