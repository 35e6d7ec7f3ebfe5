#include "agent/replay/replay_source.hpp"

#include <utility>

namespace autotune {

Status ReplaySource::start() {
    auto bytes = recording::open_bytes(path_);
    if (!bytes) return bytes.forward();
    auto reader = recording::RecordingReader::open(*std::move(bytes));
    if (!reader) return reader.forward();
    reader_ = *std::move(reader);
    return ok();
}

Result<Poll> ReplaySource::poll(Nanos, EventBatch& batch) {
    if (!reader_) return fail(Errc::internal, "a recording was asked before it was started");
    const Result<bool> more = reader_->next(batch);
    if (!more) return more.forward();
    return Poll{.state = *more ? PollState::ready : PollState::ended};
}

}  // namespace autotune
