#include "exporters/render/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace autotune::render {

namespace {

constexpr int kGzip = 16 + MAX_WBITS;
constexpr std::size_t kChunk = 1 << 16;

// zlib counts in unsigned int.
void feed_piece(z_stream& stream, std::string_view& rest) {
    const std::size_t most = std::numeric_limits<uInt>::max() / 2;
    const std::size_t size = std::min(rest.size(), most);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream.avail_in = static_cast<uInt>(size);
    rest.remove_prefix(size);
}

}  // namespace

std::string gzip(std::string_view bytes) {
    z_stream stream{};
    std::string out;
    // Fails for want of memory only, and then this program is over anyway.
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) return out;
    std::array<char, kChunk> chunk;
    int state = Z_OK;
    while (state != Z_STREAM_END) {
        if (stream.avail_in == 0) feed_piece(stream, bytes);
        stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
        stream.avail_out = chunk.size();
        state = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
        out.append(chunk.data(), chunk.size() - stream.avail_out);
    }
    deflateEnd(&stream);
    return out;
}

struct Gunzip::Stream {
    z_stream z{};
    bool ready = false, whole = false;
    std::array<char, 4 * kChunk> chunk;
};

Gunzip::Gunzip() : stream_(std::make_unique<Stream>()) {
    stream_->ready = inflateInit2(&stream_->z, kGzip) == Z_OK;
}

Gunzip::~Gunzip() {
    if (stream_->ready) inflateEnd(&stream_->z);
}

Status Gunzip::feed(std::string_view packed, const Sink& sink) {
    Stream& s = *stream_;
    if (!s.ready) return fail(Errc::resource_exhausted, "no memory to unpack");
    while (s.z.avail_in > 0 || !packed.empty()) {
        if (s.z.avail_in == 0) feed_piece(s.z, packed);
        if (s.whole) inflateReset(&s.z);  // members may follow each other
        bool full = true;                 // then there may be more to come out
        while (full) {
            s.z.next_out = reinterpret_cast<Bytef*>(s.chunk.data());
            s.z.avail_out = static_cast<uInt>(s.chunk.size());
            const int state = inflate(&s.z, Z_NO_FLUSH);
            s.whole = state == Z_STREAM_END;
            if (state != Z_OK && state != Z_BUF_ERROR && !s.whole)
                return fail(Errc::corrupt, "the gzip data is damaged or cut");
            full = s.z.avail_out == 0 && !s.whole;
            const std::string_view out(s.chunk.data(), s.chunk.size() - s.z.avail_out);
            if (!out.empty())
                if (Status taken = sink(out); !taken) return taken;
        }
    }
    return ok();
}

Status Gunzip::finish() const {
    return stream_->whole ? ok() : Status(fail(Errc::corrupt, "the gzip data is damaged or cut"));
}

Result<std::string> gunzip(std::string_view bytes, std::size_t most) {
    std::string out;
    Gunzip unpacked;
    const Status fed = unpacked.feed(bytes, [&](std::string_view piece) {
        out += piece;
        return out.size() <= most
                   ? ok()
                   : Status(fail(Errc::resource_exhausted,
                                 "unpacked it is larger than " + std::to_string(most) + " bytes"));
    });
    if (!fed) return fed.forward();
    if (Status s = unpacked.finish(); !s) return s.forward();
    return out;
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

}  // namespace autotune::render
