// Names within the languages that graphs are written in.
#pragma once

#include <string>
#include <string_view>

#include "exporters/render/text.hpp"

namespace autotune::render {

// DOT's only escapes within quotes are \" and \\ (and layout ones, which \\ keeps off).
[[nodiscard]] inline std::string dot_quoted(std::string_view name) {
    std::string out = "\"";
    for (const char c : clean_text(name)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

// Mermaid: entities are written #name; and # itself is one.
[[nodiscard]] inline std::string mermaid_text(std::string_view name) {
    std::string out;
    for (const char c : clean_text(name)) switch (c) {
            case '#': out += "#35;"; break;
            case '"': out += "#quot;"; break;
            case '<': out += "#lt;"; break;
            case '>': out += "#gt;"; break;
            case '&': out += "#amp;"; break;
            case '`': out += "#96;"; break;
            default: out += c;
        }
    return out;
}

}  // namespace autotune::render
