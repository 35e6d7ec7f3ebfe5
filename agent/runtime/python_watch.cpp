#include "agent/runtime/python_watch.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace autotune::runtime {
namespace {

// Of runtimes/python/watch.c.
constexpr std::size_t kMostWatches = 16;
constexpr std::size_t kLongestFile = 511;
constexpr std::size_t kLongestExpression = 1023;
constexpr std::size_t kMostText = 8000;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

Unexpected wrong(std::string_view text, std::string_view why) {
    return fail(Errc::invalid_argument,
                "watch '" + std::string(text) + "': " + std::string(why) + "; as in 'handler.py:42 len(items)'");
}

}  // namespace

Result<PythonWatch> parse_python_watch(std::string_view text) {
    const auto place_end = std::find_if(text.begin(), text.end(), is_blank);
    std::string_view place(text.begin(), place_end);
    std::string_view expression(place_end, text.end());
    while (!expression.empty() && is_blank(expression.front())) expression.remove_prefix(1);
    while (!expression.empty() && is_blank(expression.back())) expression.remove_suffix(1);
    const std::size_t colon = place.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return wrong(text, "it begins with no FILE:LINE");
    const std::string_view number = place.substr(colon + 1);
    PythonWatch watch{.file = std::string(place.substr(0, colon)), .line = 0, .expression = std::string(expression)};
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), watch.line);
    if (error != std::errc() || end != number.data() + number.size() || watch.line == 0)
        return wrong(text, "'" + std::string(number) + "' is no line's number");
    if (watch.expression.empty()) return wrong(text, "there is no expression");
    const auto unfit = [](char c) { return c == '\n' || c == '\r' || c == '\0'; };
    if (std::any_of(text.begin(), text.end(), unfit)) return wrong(text, "it is more than one line");
    if (watch.file.size() > kLongestFile || watch.expression.size() > kLongestExpression)
        return wrong(text.substr(0, 60), "it is too long");
    return watch;
}

Result<std::string> python_options(const PythonProbes& probes) {
    std::string text = probes.functions_in_c ? "builtins\n" : "";
    if (probes.allocations) text += "allocations\n";
    if (probes.journal) text += "journal\n";
    for (const PythonWatch& watch : probes.watches)
        text += "watch\t" + std::to_string(watch.line) + "\t" + watch.file + "\t" + watch.expression + "\n";
    if (probes.watches.size() > kMostWatches || text.size() > kMostText)
        return fail(Errc::invalid_argument, "there are more than " + std::to_string(kMostWatches) +
                                                " watches, or they are too long");
    return text;
}

}  // namespace autotune::runtime
