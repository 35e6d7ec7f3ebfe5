// A profile for the viewers of timelines: ui.perfetto.dev, chrome://tracing. The merged stacks stand side by
// side as nested slices, so the axis is weight, not the clock, which the track's name says: as wide as a
// slice is its weight, a nanosecond of the axis is one of the profile's unit.
#pragma once

#include <string>

#include "core/profile.hpp"

namespace autotune::render {

// Pure. The heaviest 100,000 nodes; lighter neighbours are one slice "(N narrower)".

// Perfetto's protocol buffers: track events. https://perfetto.dev/docs/reference/trace-packet-proto
[[nodiscard]] std::string profile_perfetto(const Profile& profile);
// Chrome's trace event format, one JSON object; slices tell their own weight, and in a comparison what it
// was.
[[nodiscard]] std::string profile_chrome(const Profile& profile);

}  // namespace autotune::render
