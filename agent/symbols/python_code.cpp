#include "agent/symbols/python_code.hpp"

#include <array>
#include <cstring>
#include <optional>

namespace autotune::symbols {

namespace {

constexpr std::size_t kCodeSize = 208;  // covers every field of every layout
constexpr std::size_t kMaxText = 1024;  // characters of a name or a path
constexpr std::size_t kMaxLineTable = 1 << 20;
constexpr std::uint32_t kTypeOffset = 8;     // PyObject.ob_type
constexpr std::uint32_t kLengthOffset = 16;  // PyVarObject.ob_size, PyASCIIObject.length
constexpr std::uint32_t kStateOffset = 32;   // PyASCIIObject.state
constexpr std::uint32_t kBytesOffset = 32;   // PyBytesObject.ob_sval

template <class T>
T field(const std::array<char, kCodeSize>& object, std::uint32_t offset) {
    T value{};
    std::memcpy(&value, object.data() + offset, sizeof value);
    return value;
}

void append_utf8(std::string& text, std::uint32_t c) {
    if (c < 0x80) {
        text += static_cast<char>(c);
    } else if (c < 0x800) {
        text += static_cast<char>(0xC0 | c >> 6);
        text += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x10000) {
        text += static_cast<char>(0xE0 | c >> 12);
        text += static_cast<char>(0x80 | (c >> 6 & 63));
        text += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x110000) {
        text += static_cast<char>(0xF0 | c >> 18);
        text += static_cast<char>(0x80 | (c >> 12 & 63));
        text += static_cast<char>(0x80 | (c >> 6 & 63));
        text += static_cast<char>(0x80 | (c & 63));
    }
}

// PEP 393: compact strings of one, two or four bytes a character; others do not occur as names.
std::optional<std::string> read_text(const ReadMemory& read, const PythonCodeLayout& layout,
                                     std::uint64_t address) {
    std::uint64_t length = 0;
    std::uint32_t state = 0;
    if (address == 0 || !read_value(read, address + kLengthOffset, length) ||
        !read_value(read, address + kStateOffset, state))
        return std::nullopt;
    const unsigned width = (state >> 2) & 7;  // interned:2, kind:3, compact:1, ascii:1
    const bool compact = (state >> 5 & 1) != 0;
    const bool ascii = (state >> 6 & 1) != 0;
    if (!compact || (width != 1 && width != 2 && width != 4)) return std::nullopt;
    length = std::min<std::uint64_t>(length, kMaxText);
    std::string raw(length * width, '\0');
    if (!read(address + (ascii ? layout.ascii_text : layout.compact_text), raw.data(), raw.size()))
        return std::nullopt;
    if (ascii) return raw;
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        std::uint32_t c = 0;
        std::memcpy(&c, raw.data() + i * width, width);
        append_utf8(text, c);
    }
    return text;
}

std::vector<std::uint8_t> read_bytes(const ReadMemory& read, std::uint64_t address) {
    std::uint64_t length = 0;
    if (address == 0 || !read_value(read, address + kLengthOffset, length) || length > kMaxLineTable)
        return {};
    std::vector<std::uint8_t> bytes(length);
    if (!read(address + kBytesOffset, bytes.data(), bytes.size())) return {};
    return bytes;
}

}  // namespace

Result<PythonFunction> read_python_function(const ReadMemory& read, const PythonLayout& layout,
                                            const at_python_frame& frame, std::uint64_t code_type) {
    std::array<char, kCodeSize> object{};
    if (!read(frame.code, object.data(), object.size()))
        return fail(Errc::unavailable, "a code object could not be read");
    if (field<std::uint64_t>(object, kTypeOffset) != code_type)
        return fail(Errc::corrupt, "no code object is there");
    PythonFunction f;
    f.identity = field<std::uint64_t>(object, layout.walk.code_identity);
    if (f.identity != frame.identity) return fail(Errc::corrupt, "another code object is there by now");
    f.first_line = field<std::uint32_t>(object, layout.code.first_line);
    if (layout.code.instructions != 0) f.instructions = frame.code + layout.code.instructions;
    const std::uint32_t name_field =
        layout.code.qualified_name != 0 ? layout.code.qualified_name : layout.code.name;
    auto name = read_text(read, layout.code, field<std::uint64_t>(object, name_field));
    if (!name || name->empty()) return fail(Errc::corrupt, "a code object's name could not be read");
    f.name = std::move(*name);
    f.file = read_text(read, layout.code, field<std::uint64_t>(object, layout.code.file_name)).value_or("");
    f.line_table = read_bytes(read, field<std::uint64_t>(object, layout.code.line_table));
    return f;
}

std::uint32_t line_of(const PythonFunction& function, const PythonLayout& layout, std::uint64_t instruction) {
    std::uint64_t offset = 0;
    if (function.instructions != 0) {
        // Before its first instruction a frame points just below the code.
        offset = instruction > function.instructions ? instruction - function.instructions : 0;
    } else {
        const auto last = static_cast<std::int32_t>(instruction);  // -1: not begun
        offset = last > 0 ? static_cast<std::uint64_t>(last) : 0;
        if (layout.code.line_format == LineTableFormat::linetable) offset *= 2;  // 3.10 counts code units
    }
    return python_line(layout.code.line_format, function.line_table, function.first_line, offset);
}

}  // namespace autotune::symbols
