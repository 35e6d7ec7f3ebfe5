// Which results of a socket call mean that the other side is not there.
#pragma once

#include <cerrno>
#include <cstdint>

namespace autotune::analysis {

// Refused, reset, unreachable or timed out; not: try again, interrupted, in progress.
[[nodiscard]] constexpr bool is_peer_failure(std::int64_t result) {
    switch (-result) {
        case ECONNREFUSED:
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE:
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case EHOSTDOWN:
        case ENETUNREACH:
        case ENETDOWN:
        case ENOENT:  // the path of a Unix socket
            return true;
        default: return false;
    }
}

// The call ended without anything having happened: it was interrupted, or is to be asked again later.
[[nodiscard]] constexpr bool is_no_answer(std::int64_t result) {
    return result == -EINTR || result == -EAGAIN || result == -EINPROGRESS || result == -EALREADY;
}

}  // namespace autotune::analysis
