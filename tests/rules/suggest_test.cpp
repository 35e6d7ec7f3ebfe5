#include "rules/suggest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace autotune::rules {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("window", "windw"), 1u);
    EXPECT_EQ(edit_distance("cuont", "count"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggestion, IsTheNearestWordIfItIsNear) {
    constexpr std::array<std::string_view, 3> words{"cooldown", "window", "when"};
    EXPECT_EQ(did_you_mean("windw", words), "; did you mean 'window'?");
    EXPECT_EQ(did_you_mean("wehn", words), "; did you mean 'when'?");
    EXPECT_EQ(did_you_mean("priority", words), "");
    EXPECT_EQ(did_you_mean("", words), "");
    EXPECT_EQ(did_you_mean(std::string(100'000, 'w'), words), "");
}

}  // namespace
}  // namespace autotune::rules
