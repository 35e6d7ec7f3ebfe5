#include "exporters/redact.hpp"

#include <array>
#include <memory>
#include <utility>

#include <re2/re2.h>

namespace autotune::exporters {

namespace {
struct Pattern {
    const char* what;
    const char* instead;
};
constexpr std::array<Pattern, 8> kPatterns{{
    {R"((?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$))", "…"},
    {R"(\b(AKIA|ASIA)[0-9A-Z]{16}\b)", "…"},
    {R"((?i)(X-Amz-(Signature|Credential|Security-Token)=)[^&\s"']+)", "\\1…"},
    {R"(([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s:@]+:[^/\s@]+@)", "\\1…@"},
    {R"((?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,})", "\\1 …"},
    {R"(\b(xox[a-z]-[A-Za-z0-9-]{8,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}))", "…"},
    {R"((hooks\.slack\.com/)[^\s"']+)", "\\1…"},
    // A quoted value is hidden to its closing quote, or to the end where that is missing; so it is within a string, where
    // its quotes have a backslash, and deeper in, where they have more, to whatever quote comes next.
    {R"((?is)([a-z0-9_-]*(?:password|passwd|pwd|secret|token|api[_ -]?key|access[_ -]?key)(?:\\*["'])?\s*[=:]\s*))"
     R"((?:(")(?:[^"\\]|\\.)*|(')(?:[^'\\]|\\.)*|(\\")(?:[^"\\]|\\[^"\\]|\\\\(?:[^"\\]|\\\\|\\"))*|(\\\\+")[^"]*|[^\s"',;&}]+))",
     "\\1\\2\\3\\4\\5…"},
}};
}  // namespace

std::string redacted(std::string_view text) {
    static const auto compiled = [] {
        std::array<std::pair<std::unique_ptr<RE2>, const char*>, kPatterns.size()> all;
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = {std::make_unique<RE2>(kPatterns[i].what), kPatterns[i].instead};
        return all;
    }();
    std::string out(text);
    for (const auto& [what, instead] : compiled) RE2::GlobalReplace(&out, *what, instead);
    return out;
}

}  // namespace autotune::exporters
