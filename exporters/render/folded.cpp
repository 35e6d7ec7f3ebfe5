#include "exporters/render/folded.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

// "libc.so.6+0x2a1b3" → "libc.so.6": names are plain, so that runs can be compared.
std::string_view without_offset(std::string_view name) {
    const auto plus = name.rfind("+0x");
    if (plus == std::string_view::npos || plus == 0) return name;
    const auto digits = name.substr(plus + 3);
    const bool hex =
        !digits.empty() && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    return hex ? name.substr(0, plus) : name;
}

std::string plain(std::string_view name) {
    std::string text = clean_text(without_offset(name));
    std::replace(text.begin(), text.end(), ';', ':');
    return text.empty() ? "[unknown]" : text;
}

}  // namespace

std::string folded(const Profile& profile) {
    std::map<std::string, std::uint64_t> lines;  // names that differ in offsets only become one
    for (const ProfileStack& stack : profile.stacks) {
        std::string line;
        for (const std::string& frame : stack.frames) line += (line.empty() ? "" : ";") + plain(frame);
        lines[line.empty() ? "[unknown]" : std::move(line)] += stack.weight;
    }
    std::string out;
    for (const auto& [line, weight] : lines) out += line + " " + std::to_string(weight) + "\n";
    return out;
}

}  // namespace autotune::render
