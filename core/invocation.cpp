#include "core/invocation.hpp"

#include <bit>

namespace autotune {

std::string_view to_string(InvocationStatus s) {
    switch (s) {
        case InvocationStatus::ok: return "ok";
        case InvocationStatus::error: return "error";
        case InvocationStatus::timeout: return "timeout";
        case InvocationStatus::out_of_memory: return "oom";
        case InvocationStatus::crash: return "crash";
        case InvocationStatus::unknown: return "unknown";
    }
    return "unknown";
}

std::uint32_t input_bucket(std::uint64_t request_bytes) {
    return static_cast<std::uint32_t>(std::bit_width(request_bytes + 1) - 1);
}

}  // namespace autotune
