// RecordingWriter: what a source tells, into a file that gives the same Events again (format.hpp).
//
// The tables of all batches must be the same ones: new entries are found by their number. One thread uses it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "core/event.hpp"
#include "core/result.hpp"

namespace autotune::recording {

class RecordingWriter {
public:
    // Creates or replaces the file; compressed when its name ends in .gz. "-" is standard output.
    [[nodiscard]] static Result<RecordingWriter> create(const std::filesystem::path& path);
    RecordingWriter(RecordingWriter&&) noexcept;
    RecordingWriter& operator=(RecordingWriter&&) noexcept;
    ~RecordingWriter();  // without finish() the file reads as one that was cut

    // A fact about the recording that no event tells. Reading gives notes in this order.
    [[nodiscard]] Status note(std::string_view key, std::string_view value);

    // All events of the batch, as one poll. After an error nothing more is written.
    [[nodiscard]] Status write(const EventBatch& batch);

    // The end block, and all bytes to the file.
    [[nodiscard]] Status finish();

private:
    struct File;
    explicit RecordingWriter(std::unique_ptr<File> file);
    std::unique_ptr<File> file_;
};

}  // namespace autotune::recording
