#include "agent/recording/writer.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "agent/recording/event_codec.hpp"
#include "agent/recording/format.hpp"

namespace autotune::recording {

struct RecordingWriter::File {
    std::string name;
    gzFile stream = nullptr;
    Encoder payload;
    std::size_t strings = 2, frames = 2, stacks = 2;  // entries of the tables that are written
    std::uint64_t events = 0;
    bool failed = false;

    ~File() {
        if (stream != nullptr) gzclose(stream);
    }

    Status broken() {
        failed = true;
        int code = Z_OK;
        const char* why = gzerror(stream, &code);
        if (code == Z_ERRNO) return unexpected(errno_error("writing " + name, errno));
        return fail(Errc::internal, "writing " + name + ": " + why);
    }
    Status put(const void* bytes, std::size_t size) {
        if (failed) return fail(Errc::internal, "writing " + name + ": it failed before");
        if (size == 0 || gzfwrite(bytes, 1, size, stream) == size) return ok();
        return broken();
    }
    Status put_block(Block kind) {
        const std::string_view bytes = payload.bytes();
        if (bytes.size() > kLargestBlock)
            return failed = true, fail(Errc::resource_exhausted, "writing " + name + ": too much in one poll");
        std::array<unsigned char, kBlockHead> head{static_cast<unsigned char>(kind)};
        const auto little_endian = [&](std::size_t at, std::uint32_t value) {
            for (std::size_t i = 0; i < 4; ++i) head[at + i] = static_cast<unsigned char>(value >> (8 * i));
        };
        little_endian(1, static_cast<std::uint32_t>(bytes.size()));
        std::uint32_t sum = static_cast<std::uint32_t>(crc32(0, head.data(), 5));
        sum = static_cast<std::uint32_t>(
            crc32(sum, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
        little_endian(5, sum);
        Status written = put(head.data(), head.size());
        if (written) written = put(bytes.data(), bytes.size());
        payload.clear();
        return written;
    }

    // The entries from `from` to `to`, as one block.
    template <class Put>
    Status put_entries(Block kind, std::size_t& from, std::size_t to, Put&& entry) {
        if (from == to) return ok();
        payload.number(to - from);
        for (; from < to; ++from) entry(from);
        return put_block(kind);
    }
    Status put_tables(const Tables& tables) {
        Status s = put_entries(Block::strings, strings, tables.strings.size(), [&](std::size_t i) {
            payload.text(tables.strings[StringId(i)]);
        });
        if (!s) return s;
        s = put_entries(Block::frames, frames, tables.frames.size(), [&](std::size_t i) {
            put_frame(payload, tables.frames[FrameId(i)]);
        });
        if (!s) return s;
        return put_entries(Block::stacks, stacks, tables.stacks.size(), [&](std::size_t i) {
            const auto stack = tables.stacks[StackId(i)];
            payload.number(stack.size());
            for (const FrameId frame : stack) payload.number(static_cast<std::uint64_t>(frame));
        });
    }
};

RecordingWriter::RecordingWriter(std::unique_ptr<File> file) : file_(std::move(file)) {}
RecordingWriter::RecordingWriter(RecordingWriter&&) noexcept = default;
RecordingWriter& RecordingWriter::operator=(RecordingWriter&&) noexcept = default;
RecordingWriter::~RecordingWriter() = default;

Result<RecordingWriter> RecordingWriter::create(const std::filesystem::path& path) {
    auto file = std::make_unique<File>();
    const bool to_stdout = path == "-";
    file->name = to_stdout ? "standard output" : path.string();
    errno = 0;
    if (to_stdout) {
        const int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        file->stream = out >= 0 ? gzdopen(out, "wbT") : nullptr;
    } else {
        file->stream = gzopen(path.c_str(), path.extension() == ".gz" ? "wbe4" : "wbeT");
    }
    if (file->stream == nullptr) return unexpected(errno_error("writing " + file->name, errno));
    gzbuffer(file->stream, 1u << 18);
    if (Status s = file->put(kMagic.data(), kMagic.size()); !s) return s.forward();
    if (Status s = file->put(&kVersion, 1); !s) return s.forward();
    return RecordingWriter(std::move(file));
}

Status RecordingWriter::note(std::string_view key, std::string_view value) {
    file_->payload.text(key);
    file_->payload.text(value);
    return file_->put_block(Block::note);
}

Status RecordingWriter::write(const EventBatch& batch) {
    if (batch.events.empty()) return ok();
    if (Status s = file_->put_tables(batch.tables); !s) return s;
    file_->events += batch.events.size();
    put_events(file_->payload, batch.events);
    return file_->put_block(Block::events);
}

Status RecordingWriter::finish() {
    file_->payload.number(file_->events);
    if (Status s = file_->put_block(Block::end); !s) return s;
    if (gzflush(file_->stream, Z_FINISH) != Z_OK) return file_->broken();
    const int closed = gzclose(std::exchange(file_->stream, nullptr));
    file_->failed = true;  // nothing more to write
    if (closed == Z_ERRNO) return unexpected(errno_error("writing " + file_->name, errno));
    if (closed != Z_OK) return fail(Errc::internal, "writing " + file_->name + " failed at its end");
    return ok();
}

}  // namespace autotune::recording
