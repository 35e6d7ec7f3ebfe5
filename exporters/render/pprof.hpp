// A profile in the format of pprof: gzip around google's profile.proto.
//
// Two values a sample, the count first: samples (weight over the period; where there is none, 1) and the
// measure itself, "cpu/nanoseconds" and its like; one where the measure is a count. A place is a location with one line; its addresses are not
// kept, so there are none. https://github.com/google/pprof/blob/main/proto/profile.proto
#pragma once

#include <string>

#include "core/profile.hpp"
#include "core/time.hpp"

namespace autotune::render {

struct PprofOptions {
    WallTime start{};   // epoch = not known
    Nanos duration{0};  // 0 = not known
};

// Pure: same profile, same bytes.
[[nodiscard]] std::string pprof(const Profile& profile, const PprofOptions& options = {});

}  // namespace autotune::render
