#include "agent/symbols/python_line_table.hpp"

namespace autotune::symbols {

namespace {

using Table = std::span<const std::uint8_t>;

std::uint32_t as_line(std::int64_t line) {
    return line > 0 && line < 1'000'000'000 ? static_cast<std::uint32_t>(line) : 0;
}

// Pairs (bytes of code, signed lines): the line changes after that many bytes.
std::uint32_t by_lnotab(Table table, std::int64_t line, std::uint64_t at) {
    std::uint64_t start = 0;
    for (std::size_t i = 0; i + 1 < table.size(); i += 2) {
        start += table[i];
        if (start > at) break;
        line += static_cast<std::int8_t>(table[i + 1]);
    }
    return as_line(line);
}

// Pairs (bytes of code, signed lines): so many bytes are of the line reached; -128: of no line.
std::uint32_t by_linetable(Table table, std::int64_t line, std::uint64_t at) {
    std::uint64_t end = 0;
    for (std::size_t i = 0; i + 1 < table.size(); i += 2) {
        const auto delta = static_cast<std::int8_t>(table[i + 1]);
        if (delta != -128) line += delta;
        end += table[i];
        if (at < end) return delta == -128 ? 0 : as_line(line);
    }
    return 0;
}

class Varints {
public:
    explicit Varints(Table table) : table_(table) {}
    [[nodiscard]] bool done() const { return at_ >= table_.size(); }
    std::uint8_t byte() { return done() ? std::uint8_t{0} : table_[at_++]; }
    void skip(std::size_t bytes) { at_ += bytes; }

    // Six bits a byte, least significant first; bit 6: more follow. CPython's have 32 bits; of garbage no
    // more are taken, so that sums of them do not overflow.
    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0;; shift += 6) {
            const std::uint8_t b = byte();
            if (shift < 36) value |= std::uint64_t{b & 63u} << shift;
            if ((b & 64) == 0) return value;
        }
    }
    // The sign is the lowest bit.
    std::int64_t signed_number() {
        const std::uint64_t value = number();
        const auto magnitude = static_cast<std::int64_t>(value >> 1);
        return (value & 1) != 0 ? -magnitude : magnitude;
    }

private:
    Table table_;
    std::size_t at_ = 0;
};

// Entries: a byte 1cccclll (kind c, length l+1 code units of two bytes), then what the kind says.
std::uint32_t by_locations(Table table, std::int64_t line, std::uint64_t at) {
    Varints in(table);
    std::uint64_t end = 0;
    while (!in.done()) {
        const std::uint8_t first = in.byte();
        if ((first & 0x80) == 0) return 0;
        const unsigned kind = (first >> 3) & 15u;
        bool has_line = true;
        if (kind <= 9) {  // same line, columns in one byte
            in.skip(1);
        } else if (kind <= 12) {  // 0, 1 or 2 lines on, two columns
            line += kind - 10;
            in.skip(2);
        } else if (kind == 13) {
            line += in.signed_number();
        } else if (kind == 14) {  // line, end line, column, end column
            line += in.signed_number();
            for (int i = 0; i < 3; ++i) (void)in.number();
        } else {
            has_line = false;
        }
        end += ((first & 7u) + 1) * 2;
        if (at < end) return has_line ? as_line(line) : 0;
    }
    return 0;
}

}  // namespace

std::uint32_t python_line(LineTableFormat format, Table table, std::uint32_t first_line,
                          std::uint64_t byte_offset) {
    switch (format) {
        case LineTableFormat::lnotab: return by_lnotab(table, first_line, byte_offset);
        case LineTableFormat::linetable: return by_linetable(table, first_line, byte_offset);
        case LineTableFormat::locations: return by_locations(table, first_line, byte_offset);
    }
    return 0;
}

}  // namespace autotune::symbols
