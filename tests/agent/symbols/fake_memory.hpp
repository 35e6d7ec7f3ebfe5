// A process's memory as a test writes it: bytes at addresses; everything else cannot be read.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "agent/symbols/memory_reader.hpp"
#include "agent/symbols/python_layout.hpp"

namespace autotune::testing {

class FakeMemory {
public:
    // A readable region of zeros.
    void map(std::uint64_t address, std::size_t size) { regions_[address].resize(size); }
    void unmap(std::uint64_t address) { regions_.erase(address); }

    template <class T>
    void put(std::uint64_t address, const T& value) {
        write(address, &value, sizeof value);
    }
    void put_text(std::uint64_t address, std::string_view text) { write(address, text.data(), text.size()); }

    bool read(std::uint64_t address, void* to, std::size_t size) const {
        const auto after = regions_.upper_bound(address);
        if (after == regions_.begin()) return false;
        const auto& [start, bytes] = *std::prev(after);
        if (address - start > bytes.size() || size > bytes.size() - (address - start)) return false;
        std::memcpy(to, bytes.data() + (address - start), size);
        return true;
    }
    [[nodiscard]] symbols::ReadMemory reader() const {
        return [this](std::uint64_t address, void* to, std::size_t size) { return read(address, to, size); };
    }

    // A compact ASCII string object.
    void put_ascii(std::uint64_t address, std::string_view text, const symbols::PythonCodeLayout& layout) {
        map(address, layout.compact_text + text.size());
        put(address + 16, std::uint64_t{text.size()});
        put(address + 32, std::uint32_t{1u << 2 | 1u << 5 | 1u << 6});
        put_text(address + layout.ascii_text, text);
    }
    // A compact string of two bytes a character.
    void put_wide(std::uint64_t address, std::u16string_view text, const symbols::PythonCodeLayout& layout) {
        map(address, layout.compact_text + text.size() * 2);
        put(address + 16, std::uint64_t{text.size()});
        put(address + 32, std::uint32_t{2u << 2 | 1u << 5});
        write(address + layout.compact_text, text.data(), text.size() * 2);
    }
    void put_bytes(std::uint64_t address, std::span<const std::uint8_t> bytes) {
        map(address, 32 + bytes.size());
        put(address + 16, std::uint64_t{bytes.size()});
        write(address + 32, bytes.data(), bytes.size());
    }

private:
    void write(std::uint64_t address, const void* from, std::size_t size) {
        auto& [start, bytes] = *std::prev(regions_.upper_bound(address));
        std::memcpy(bytes.data() + (address - start), from, size);
    }
    std::map<std::uint64_t, std::vector<std::uint8_t>> regions_;
};

}  // namespace autotune::testing
