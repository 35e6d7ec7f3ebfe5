// ReplaySource: a recording of autotune trace as an EventSource: the same Events in the same polls.
//
// Unlike the live sources it never waits, and focus() changes nothing: what was recorded is what there is.
// One thread uses it at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "agent/recording/reader.hpp"
#include "core/event_source.hpp"

namespace autotune {

class ReplaySource final : public EventSource {
public:
    explicit ReplaySource(std::filesystem::path path) : path_(std::move(path)) {}

    // Errors: not_found, permission_denied; corrupt when it is no recording; unsupported versions.
    Status start() override;
    Status focus(const Detail&) override { return ok(); }
    // One poll that was recorded. Errors: corrupt where the recording is damaged or cut, with the offset; what
    // was given before stands.
    Result<Poll> poll(Nanos wait, EventBatch& batch) override;

    // Those read so far; all once poll() has said `ended`. REQUIRES: start() succeeded.
    [[nodiscard]] const std::vector<recording::Note>& notes() const { return reader_->notes(); }

private:
    std::filesystem::path path_;
    std::optional<recording::RecordingReader> reader_;
};

}  // namespace autotune
