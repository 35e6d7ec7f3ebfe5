// The few words of the protocol buffers wire format that a writer needs.
// https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace autotune::render {

class ProtobufWriter {
public:
    // Zero is the default of every field and left out, as protoc does.
    void number(std::uint32_t field, std::uint64_t value) {
        if (value == 0) return;
        varint(std::uint64_t{field} << 3);
        varint(value);
    }
    void bytes(std::uint32_t field, std::string_view value) {
        varint(std::uint64_t{field} << 3 | 2);
        varint(value.size());
        out_ += value;
    }
    void message(std::uint32_t field, const ProtobufWriter& value) { bytes(field, value.out_); }

    // An element of a packed list, whose bytes() come later.
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
        out_ += static_cast<char>(value);
    }

    [[nodiscard]] const std::string& text() const { return out_; }
    void clear() { out_.clear(); }

private:
    std::string out_;
};

}  // namespace autotune::render
