// Protocol buffers as their decoder sees them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::testing {

// The fields of one message: number → values.
struct ProtobufFields {
    std::multimap<std::uint32_t, std::uint64_t> numbers;
    std::multimap<std::uint32_t, std::string> bytes;

    [[nodiscard]] std::uint64_t number(std::uint32_t field) const {
        const auto found = numbers.find(field);
        return found == numbers.end() ? 0 : found->second;
    }
    [[nodiscard]] std::string text(std::uint32_t field) const {
        const auto found = bytes.find(field);
        return found == bytes.end() ? std::string() : found->second;
    }
};

inline std::uint64_t read_varint(std::string_view& text) {
    std::uint64_t value = 0;
    for (int shift = 0; !text.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(text.front());
        text.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80) break;
    }
    return value;
}

inline ProtobufFields parse_protobuf(std::string_view text) {
    ProtobufFields out;
    while (!text.empty()) {
        const std::uint64_t key = read_varint(text), value = read_varint(text);
        const auto field = static_cast<std::uint32_t>(key >> 3);
        if ((key & 7) == 0) {
            out.numbers.emplace(field, value);
            continue;
        }
        EXPECT_EQ(key & 7, 2u);
        out.bytes.emplace(field, text.substr(0, value));
        text.remove_prefix(std::min<std::size_t>(value, text.size()));
    }
    return out;
}

inline std::vector<std::uint64_t> parse_packed(std::string_view text) {
    std::vector<std::uint64_t> out;
    while (!text.empty()) out.push_back(read_varint(text));
    return out;
}

}  // namespace autotune::testing
