// OpenSSL in a file: a shared library, or linked into a program whose symbols are there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace autotune {

// Where its functions are probed (bpf/logic/tls.h).
struct TlsSites {
    std::vector<std::uint64_t> offsets;  // in the file
    std::vector<std::uint64_t> cookies;  // enum at_tls_call, one for each
    // Of these, those whose return is probed too.
    std::vector<std::uint64_t> return_offsets;
    std::vector<std::uint64_t> return_cookies;
};

// Of an open ELF file; `path` opens the same one. nullopt: its reading and writing functions are not in it. Errors:
// corrupt, unsupported, permission_denied. Quick where none of them is named.
[[nodiscard]] Result<std::optional<TlsSites>> find_tls_sites(int fd, const std::string& path);

}  // namespace autotune
