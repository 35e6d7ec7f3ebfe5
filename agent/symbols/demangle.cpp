#include "agent/symbols/demangle.hpp"

#include <libiberty/demangle.h>

#include <cstddef>
#include <optional>

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxMangled = 4096;
constexpr std::size_t kMaxPlain = 8192;
constexpr std::size_t kMaxPieces = 20'000;  // that libiberty hands out one by one, empty ones too

struct Collected {
    std::string text;
    std::size_t pieces = 0;
};

// There is no way to say "enough" to libiberty but to leave it: it keeps all its state on the stack.
struct TooLong {};

void collect(const char* piece, std::size_t size, void* to) {
    auto& collected = *static_cast<Collected*>(to);
    if (++collected.pieces > kMaxPieces || collected.text.size() + size > kMaxPlain) throw TooLong();
    collected.text.append(piece, size);
}

using Demangler = int (*)(const char* mangled, int options, demangle_callbackref, void* to);

std::optional<std::string> plain_by(Demangler demangler, const std::string& mangled) {
    Collected collected;
    try {
        if (demangler(mangled.c_str(), DMGL_PARAMS, collect, &collected) == 0) return std::nullopt;
    } catch (const TooLong&) {
        return std::nullopt;
    }
    return std::move(collected.text);
}

}  // namespace

std::string demangle(std::string_view mangled) {
    std::string name(mangled);
    if (name.size() > kMaxMangled) return name;
    // Rust's legacy names are valid C++ too, with a hash at their end: asked first.
    if (name.starts_with("_R") || (name.starts_with("_ZN") && name.find("17h") != std::string::npos))
        if (auto plain = plain_by(rust_demangle_callback, name)) return *std::move(plain);
    if (name.starts_with("_Z"))
        if (auto plain = plain_by(cplus_demangle_v3_callback, name)) return *std::move(plain);
    return name;
}

}  // namespace autotune::symbols
