// What libbpf says on its way, kept for the error message instead of going to stderr.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune {

// What the verifier said at last of a program that it refused, from libbpf's warnings; empty: it refused none. Pure.
[[nodiscard]] std::string verifier_reason(std::string_view log);

// Collects the warnings libbpf prints in this thread while it lives. One at a time in a thread.
class LibbpfLog {
public:
    LibbpfLog();
    ~LibbpfLog();
    LibbpfLog(const LibbpfLog&) = delete;
    LibbpfLog& operator=(const LibbpfLog&) = delete;

    // The error of a libbpf call that failed with `errno_value`: what is missing (root, BTF, …), why the verifier
    // refuses, or the last lines of the log.
    [[nodiscard]] Error explain(std::string_view doing, int errno_value) const;

private:
    std::string text_;
};

}  // namespace autotune
