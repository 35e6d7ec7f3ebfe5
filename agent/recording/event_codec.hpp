// Events and table entries to bytes and back (format.hpp). Encoding and decoding are inverse: the same values.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "agent/recording/decoder.hpp"
#include "agent/recording/encoder.hpp"
#include "core/event.hpp"
#include "core/result.hpp"

namespace autotune::recording {

// Ids of the recording to ids of the tables it is read into; the position is the recording's id.
struct IdMap {
    std::vector<StringId> strings{StringId(0), StringId(1)};
    std::vector<FrameId> frames{FrameId(0), FrameId(1)};
    std::vector<StackId> stacks{StackId(0), StackId(1)};

    [[nodiscard]] KnownIds known() const { return {strings.size(), frames.size(), stacks.size()}; }
};

void put_frame(Encoder& out, const Frame& frame);
void put_events(Encoder& out, const std::vector<Event>& events);

// Each takes a whole payload and appends what it holds; false when it is not what it should be, and then
// nothing was appended to the events (tables may have grown, which harms nobody).
[[nodiscard]] bool take_strings(std::string_view payload, IdMap& ids, Tables& tables);
[[nodiscard]] bool take_frames(std::string_view payload, IdMap& ids, Tables& tables);
[[nodiscard]] bool take_stacks(std::string_view payload, IdMap& ids, Tables& tables);
[[nodiscard]] bool take_events(std::string_view payload, const IdMap& ids, std::vector<Event>& events);

}  // namespace autotune::recording
