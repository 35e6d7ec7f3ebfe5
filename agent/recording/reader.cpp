#include "agent/recording/reader.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/recording/format.hpp"

namespace autotune::recording {
namespace {

constexpr std::size_t kChunk = 1u << 20;  // memory grows with what is there, not with what is said

std::uint32_t little_endian(const char* bytes) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i)
        value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
}

std::uint32_t checksum(std::uint32_t sum, const char* bytes, std::size_t size) {
    return static_cast<std::uint32_t>(
        crc32(sum, reinterpret_cast<const Bytef*>(bytes), static_cast<uInt>(size)));
}

}  // namespace

Result<ByteSource> open_bytes(const std::filesystem::path& path) {
    const std::string name = path.string();
    std::error_code none;
    if (std::filesystem::is_directory(path, none))
        return fail(Errc::invalid_argument, "reading " + name + ": Is a directory");
    errno = 0;
    gzFile opened = gzopen(path.c_str(), "rbe");
    if (opened == nullptr) return unexpected(errno_error("reading " + name, errno));
    gzbuffer(opened, 1u << 18);
    const std::shared_ptr<gzFile_s> stream(opened, gzclose_r);
    return ByteSource{name, [stream, name](char* to, std::size_t size) -> Result<std::size_t> {
                          const int got = gzread(stream.get(), to, static_cast<unsigned>(size));
                          if (got >= 0) return static_cast<std::size_t>(got);
                          int code = Z_OK;
                          const char* why = gzerror(stream.get(), &code);
                          if (code == Z_ERRNO) return unexpected(errno_error("reading " + name, errno));
                          return fail(Errc::corrupt, why);
                      }};
}

Unexpected RecordingReader::damaged(const std::string& why) const {
    return fail(Errc::corrupt, bytes_.name + ": byte " + std::to_string(offset_) + ": " + why);
}

Result<RecordingReader> RecordingReader::open(ByteSource bytes) {
    RecordingReader reader(std::move(bytes));
    std::array<char, kMagic.size() + 1> head{};
    const auto got = reader.bytes_.read(head.data(), head.size());
    if (!got && got.error().code != Errc::corrupt) return got.forward();
    const bool ours = got && *got >= kMagic.size() &&
                      std::equal(kMagic.begin(), kMagic.end(), reinterpret_cast<unsigned char*>(head.data()));
    if (!ours) return fail(Errc::corrupt, reader.bytes_.name + ": not a recording of autotune trace");
    if (*got < head.size()) return reader.damaged("the file ends here");
    const auto version = static_cast<unsigned char>(head.back());
    if (version != kVersion)
        return fail(Errc::unsupported, reader.bytes_.name + ": the recording is of version " +
                                           std::to_string(version) + ", this program reads version " +
                                           std::to_string(kVersion));
    reader.next_offset_ = head.size();
    return reader;
}

Result<RecordingReader::BlockRead> RecordingReader::next_block() {
    offset_ = next_offset_;
    std::array<char, kBlockHead> head{};
    const auto got = bytes_.read(head.data(), head.size());
    if (!got) return damaged(got.error().message);
    if (*got < head.size()) return damaged("the file ends here; the recording was cut");
    BlockRead block{.kind = static_cast<unsigned char>(head[0]), .payload = {}};
    const std::size_t size = little_endian(&head[1]);
    if (size > kLargestBlock) return damaged("a block of " + std::to_string(size) + " bytes is too large");
    while (block.payload.size() < size) {
        const std::size_t before = block.payload.size(), part = std::min(kChunk, size - before);
        block.payload.resize(before + part);
        const auto more = bytes_.read(block.payload.data() + before, part);
        if (!more) return damaged(more.error().message);
        if (*more < part) return damaged("the file ends within this block");
    }
    const std::uint32_t sum =
        checksum(checksum(0, head.data(), 5), block.payload.data(), block.payload.size());
    if (sum != little_endian(&head[5])) return damaged("the checksum of this block is wrong");
    next_offset_ = offset_ + head.size() + size;
    return block;
}

bool RecordingReader::take_note(std::string_view payload) {
    Decoder in(payload, {});
    const std::string_view key = in.text(), value = in.text();
    if (!in.good() || !in.done()) return false;
    notes_.emplace_back(key, value);
    return true;
}

Result<bool> RecordingReader::next(EventBatch& batch) {
    while (!ended_) {
        const Result<BlockRead> block = next_block();
        if (!block) {
            next_offset_ = offset_;
            return block.forward();
        }
        const std::size_t before = batch.events.size();
        bool good = false;
        switch (static_cast<Block>(block->kind)) {
            case Block::note: good = take_note(block->payload); break;
            case Block::strings: good = take_strings(block->payload, ids_, batch.tables); break;
            case Block::frames: good = take_frames(block->payload, ids_, batch.tables); break;
            case Block::stacks: good = take_stacks(block->payload, ids_, batch.tables); break;
            case Block::events: good = take_events(block->payload, ids_, batch.events); break;
            case Block::end: {
                Decoder in(block->payload, {});
                good = in.number() == events_ && in.good() && in.done();
                ended_ = good;
                break;
            }
            default: return damaged("a block of unknown kind " + std::to_string(block->kind));
        }
        if (!good) return damaged("this block does not make sense");
        events_ += batch.events.size() - before;
        if (static_cast<Block>(block->kind) == Block::events) return true;
    }
    return false;
}

}  // namespace autotune::recording
