// RecordingReader: the blocks of a recording (format.hpp), one after the other. Total: any bytes are accepted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/recording/event_codec.hpp"
#include "core/event.hpp"
#include "core/result.hpp"

namespace autotune::recording {

using Note = std::pair<std::string, std::string>;

// Where the bytes come from. `read` fills up to `size` bytes and says how many; fewer only at the end.
struct ByteSource {
    std::string name;  // for messages
    std::function<Result<std::size_t>(char* to, std::size_t size)> read;
};

// A file, plain or .gz.
[[nodiscard]] Result<ByteSource> open_bytes(const std::filesystem::path& path);

class RecordingReader {
public:
    // Reads magic and version. Errors: corrupt "NAME: not a recording of autotune", unsupported.
    [[nodiscard]] static Result<RecordingReader> open(ByteSource bytes);

    // Appends the events of the next poll that was recorded, and what they refer to. False at the end of the
    // recording. Errors: corrupt, "NAME: byte N: why"; what was given before stands, and it stays an error.
    // REQUIRES: the same tables in every call.
    [[nodiscard]] Result<bool> next(EventBatch& batch);

    // Those read so far.
    [[nodiscard]] const std::vector<Note>& notes() const { return notes_; }

private:
    struct BlockRead {
        unsigned kind = 0;
        std::string payload;
    };
    explicit RecordingReader(ByteSource bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] Result<BlockRead> next_block();
    [[nodiscard]] Unexpected damaged(const std::string& why) const;
    [[nodiscard]] bool take_note(std::string_view payload);

    ByteSource bytes_;
    std::uint64_t offset_ = 0;       // of the block that is being read
    std::uint64_t next_offset_ = 0;
    std::uint64_t events_ = 0;
    IdMap ids_;
    std::vector<Note> notes_;
    bool ended_ = false;
};

}  // namespace autotune::recording
