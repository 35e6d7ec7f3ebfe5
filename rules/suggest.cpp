#include "rules/suggest.hpp"

#include <algorithm>
#include <vector>

namespace autotune::rules {

// Optimal string alignment (Damerau-Levenshtein without edits inside swapped pairs).
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    constexpr std::size_t kLongestWord = 64;  // longer ones are no slips of the hand
    if (word.empty() || word.size() > kLongestWord) return std::nullopt;
    std::size_t best = std::clamp<std::size_t>(word.size() / 3, 1, 3) + 1;
    std::optional<std::string_view> found;
    for (const std::string_view candidate : candidates)
        if (const std::size_t d = edit_distance(word, candidate); d < best) {
            best = d;
            found = candidate;
        }
    return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const auto found = nearest(word, candidates);
    return found ? "; did you mean '" + std::string(*found) + "'?" : "";
}

}  // namespace autotune::rules
