#include "agent/symbols/xz.hpp"

#include <lzma.h>

#include <algorithm>
#include <cstdint>

namespace autotune::symbols {

namespace {

constexpr std::size_t kStep = 256u << 10;

class Decoder {
public:
    Decoder() = default;
    ~Decoder() { lzma_end(&stream); }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    lzma_stream stream = LZMA_STREAM_INIT;
};

}  // namespace

Result<std::string> unxz(std::string_view bytes, const XzLimits& limits) {
    Decoder decoder;
    lzma_stream& s = decoder.stream;
    if (lzma_stream_decoder(&s, limits.memory, 0) != LZMA_OK)
        return fail(Errc::resource_exhausted, "no memory to decompress");
    s.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    s.avail_in = bytes.size();
    std::string out;
    for (;;) {
        const std::size_t have = out.size();
        out.resize(std::min(have + kStep, limits.output));
        s.next_out = reinterpret_cast<std::uint8_t*>(out.data()) + have;
        s.avail_out = out.size() - have;
        const lzma_ret result = lzma_code(&s, LZMA_FINISH);
        out.resize(out.size() - s.avail_out);
        if (result == LZMA_STREAM_END) return out;
        if (result == LZMA_MEMLIMIT_ERROR || (result == LZMA_OK && out.size() == limits.output) ||
            (result == LZMA_BUF_ERROR && out.size() == limits.output))
            return fail(Errc::resource_exhausted, "compressed symbols beyond the limit");
        if (result != LZMA_OK) return fail(Errc::corrupt, "compressed symbols that cannot be read");
    }
}

}  // namespace autotune::symbols
