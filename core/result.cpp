#include "core/result.hpp"

#include <cerrno>
#include <cstring>

namespace autotune {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::invalid_argument: return "invalid argument";
        case Errc::not_found: return "not found";
        case Errc::already_exists: return "already exists";
        case Errc::permission_denied: return "permission denied";
        case Errc::conflict: return "conflict";
        case Errc::resource_exhausted: return "resource exhausted";
        case Errc::unavailable: return "unavailable";
        case Errc::timed_out: return "timed out";
        case Errc::unsupported: return "unsupported";
        case Errc::corrupt: return "corrupt";
        case Errc::internal: return "internal error";
    }
    return "unknown";
}

namespace {
Errc code_of(int errno_value) {
    switch (errno_value) {
        case ENOENT:
        case ESRCH:
        case ENODEV: return Errc::not_found;
        case EEXIST: return Errc::already_exists;
        case EPERM:
        case EACCES: return Errc::permission_denied;
        case EINVAL: return Errc::invalid_argument;
        case ENOSPC:
        case EMFILE:
        case ENFILE:
        case ENOMEM: return Errc::resource_exhausted;
        case ECONNREFUSED:
        case ECONNRESET:
        case EHOSTUNREACH:
        case ENETUNREACH: return Errc::unavailable;
        case ETIMEDOUT: return Errc::timed_out;
        case ENOSYS:
        case EOPNOTSUPP: return Errc::unsupported;
        default: return Errc::internal;
    }
}
}  // namespace

Error errno_error(std::string_view doing, int errno_value) {
    return {code_of(errno_value), std::string(doing) + ": " + std::strerror(errno_value)};
}

}  // namespace autotune
