// "did you mean …": the nearest known word to one that is not known.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace autotune::rules {

// Least number of inserted, deleted, replaced or swapped neighbouring bytes that turns a into b.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, if it is near enough to be a slip: at most a third of the word's
// length away, at least 1 and at most 3. Ties: the first.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

// "; did you mean 'x'?", or "" when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace autotune::rules
