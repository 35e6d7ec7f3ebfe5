// Payloads of every kind of block, without their checksums, which no random byte would get past: what is taken
// is a value that can be written again, and gives the same when it is read.
//
// The input is a list of (kind, length of two bytes, payload).
#include <algorithm>
#include <string>

#include "agent/recording/event_codec.hpp"
#include "agent/recording/format.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;
using namespace autotune::recording;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    IdMap ids;
    EventBatch batch;
    while (input.size() >= 3) {
        const auto kind = static_cast<Block>(input[0]);
        const std::size_t said = static_cast<unsigned char>(input[1]) + 256u * static_cast<unsigned char>(input[2]);
        input.remove_prefix(3);
        const std::string_view payload = input.substr(0, said);
        input.remove_prefix(payload.size());
        const std::size_t before = batch.events.size();
        if (kind == Block::strings) (void)take_strings(payload, ids, batch.tables);
        if (kind == Block::frames) (void)take_frames(payload, ids, batch.tables);
        if (kind == Block::stacks) (void)take_stacks(payload, ids, batch.tables);
        if (kind == Block::events && !take_events(payload, ids, batch.events))
            fuzz::require(batch.events.size() == before, "what is refused gives nothing");
    }
    Encoder first;
    put_events(first, batch.events);
    IdMap same;
    for (std::size_t i = 2; i < batch.tables.strings.size(); ++i) same.strings.push_back(StringId(i));
    for (std::size_t i = 2; i < batch.tables.frames.size(); ++i) same.frames.push_back(FrameId(i));
    for (std::size_t i = 2; i < batch.tables.stacks.size(); ++i) same.stacks.push_back(StackId(i));
    std::vector<Event> again;
    fuzz::require(take_events(first.bytes(), same, again), "what was written can be read");
    Encoder second;
    put_events(second, again);
    fuzz::require(first.bytes() == second.bytes(), "and is the same");
    return 0;
}
