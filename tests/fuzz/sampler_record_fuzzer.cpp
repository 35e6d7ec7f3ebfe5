// One record of the sampler's kernel side: decoded, or refused; nothing beyond its bytes is read.
#include <cstring>

#include "agent/symbols/sampler_record.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy of that very size, so that the sanitizer sees a step beyond.
    const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data),
                                       reinterpret_cast<const std::byte*>(data) + size);
    const auto record = symbols::decode_sampler_record(bytes);
    if (!record) return 0;
    if (const auto* stack = std::get_if<symbols::SampleRecord>(&*record))
        fuzz::require(stack->python.size() * sizeof(at_python_frame) + (stack->native.size() + stack->kernel.size()) * 8 <= size,
                  "more frames than there are bytes");
    return 0;
}
