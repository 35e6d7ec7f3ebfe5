#include "agent/symbols/demangle.hpp"

#include <cxxabi.h>
#include <libiberty/demangle.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
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

std::optional<std::string> rust(const std::string& mangled) {
    Collected collected;
    try {
        if (rust_demangle_callback(mangled.c_str(), DMGL_PARAMS, collect, &collected) == 0) return std::nullopt;
    } catch (const TooLong&) {
        return std::nullopt;
    }
    return std::move(collected.text);
}

std::optional<std::string> cxx(const std::string& mangled) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> plain(
        abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
    if (status != 0 || !plain) return std::nullopt;
    std::string text(plain.get());
    if (text.size() > kMaxPlain) text.resize(kMaxPlain);
    return text;
}

}  // namespace

std::string demangle(std::string_view mangled) {
    std::string name(mangled);
    if (name.size() > kMaxMangled) return name;
    // Rust's legacy names are valid C++ too, with a hash at their end: asked first.
    if (name.starts_with("_R") || (name.starts_with("_ZN") && name.find("17h") != std::string::npos))
        if (auto plain = rust(name)) return *std::move(plain);
    if (name.starts_with("_Z"))
        if (auto plain = cxx(name)) return *std::move(plain);
    return name;
}

}  // namespace autotune::symbols
