#include "agent/native/frame_book.hpp"

#include <algorithm>
#include <cstdio>

#include "agent/symbols/demangle.hpp"

namespace autotune::native {

FrameId FrameBook::frame(std::uint32_t function, Tables& tables) {
    if (function >= plan_.functions.size()) return FrameId{};
    if (known_.size() <= function) known_.resize(plan_.functions.size());
    FrameId& id = known_[function];
    if (id != FrameId{}) return id;
    const PlannedFunction& f = plan_.functions[function];
    const ProgramFile& file = *plan_.programs[f.program];
    const auto [lines, fresh] =
        lines_.try_emplace(f.program, file.debug_path().empty() ? file.path() : file.debug_path());
    Frame frame{.name = tables.strings.intern(symbols::demangle(f.name)),
                .module = tables.strings.intern(file.path()),
                .build_id = tables.strings.intern(file.build_id()),
                .kind = FrameKind::native};
    if (const auto place = lines->second.at(f.address)) {
        frame.file = tables.strings.intern(place->file);
        frame.line = place->line;
    }
    id = tables.frames.intern(frame);
    return id;
}

std::string format_value(const PlannedValue& value, const at_native_value& seen) {
    if (seen.is_unreadable != 0) return "(not readable)";
    if (value.kernel.form != AT_VALUE_NUMBER) {
        std::string text = "\"";
        for (std::uint32_t i = 0; i < std::min<std::uint32_t>(seen.length, AT_VALUE_TEXT); ++i) {
            const auto c = static_cast<unsigned char>(seen.text[i]);
            if (c >= 0x20 && c != 0x7f) {
                text += static_cast<char>(c);
                continue;
            }
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", c);
            text += escaped;
        }
        return text + (seen.length + 1 >= AT_VALUE_TEXT ? "\"…" : "\"");
    }
    const unsigned unused = 64 - 8 * std::clamp<unsigned>(value.kernel.size, 1, 8);
    if (value.wish.type == ValueType::pointer) {
        char text[24];
        std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(seen.number));
        return text;
    }
    const std::uint64_t high = seen.number << unused;
    return value.is_signed ? std::to_string(static_cast<std::int64_t>(high) >> unused)
                           : std::to_string(high >> unused);
}

}  // namespace autotune::native
