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
void feed(z_stream& stream, std::string_view& rest) {
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
        if (stream.avail_in == 0) feed(stream, bytes);
        stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
        stream.avail_out = chunk.size();
        state = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
        out.append(chunk.data(), chunk.size() - stream.avail_out);
    }
    deflateEnd(&stream);
    return out;
}

Result<std::string> gunzip(std::string_view bytes, std::size_t most) {
    z_stream stream{};
    if (inflateInit2(&stream, kGzip) != Z_OK) return fail(Errc::resource_exhausted, "no memory to unpack");
    std::string out;
    std::array<char, kChunk> chunk;
    Status result;
    for (bool more = true; more;) {
        if (stream.avail_in == 0) feed(stream, bytes);
        stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
        stream.avail_out = chunk.size();
        const int state = inflate(&stream, Z_NO_FLUSH);
        out.append(chunk.data(), chunk.size() - stream.avail_out);
        const bool whole = state == Z_STREAM_END;
        const bool another =
            whole && (stream.avail_in > 0 || !bytes.empty());  // members may follow each other
        if (another) inflateReset(&stream);
        more = another || state == Z_OK;
        if (!more && !whole) result = fail(Errc::corrupt, "the gzip data is damaged or cut");
        if (out.size() > most) {
            result = fail(Errc::resource_exhausted,
                          "unpacked it is larger than " + std::to_string(most) + " bytes");
            more = false;
        }
    }
    inflateEnd(&stream);
    if (!result) return result.forward();
    return out;
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

}  // namespace autotune::render
