// Records of the sampler's kernel side: decoded, or refused; nothing beyond their bytes is read.
#include <algorithm>
#include <cstring>

#include "agent/symbols/sampler_record.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Records one after the other, each behind a byte that is its length in words; each as a copy of that very size, so
    // that the sanitizer sees a step beyond.
    symbols::ToldNumbers told;
    while (size > 0) {
        const std::size_t length = std::min<std::size_t>(data[0] * 8, size - 1);
        const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data + 1),
                                           reinterpret_cast<const std::byte*>(data + 1 + length));
        data += 1 + length, size -= 1 + length;
        const auto record = symbols::decode_sampler_record(bytes, told);
        if (!record) continue;
        if (const auto* stack = std::get_if<symbols::SampleRecord>(&*record))
            fuzz::require(stack->python.size() * sizeof(at_python_frame) + stack->kernel.size() * 8 + stack->native.size() * 2 <= length,
                          "more frames than there are bytes");
    }
    return 0;
}
