#include "agent/native/nearest_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune::native {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NearestNames, PutsTheFewestChangesFirst) {
    EXPECT_THAT(nearest_names("proces", {"main", "processes", "process", "princess"}),
                ElementsAre("process", "processes"));
}

TEST(NearestNames, FindsANameInsideALongerOne) {
    EXPECT_THAT(nearest_names("inflate", {"png_inflate_claim", "deflate", "crc32"}),
                ElementsAre("deflate", "png_inflate_claim"));
}

TEST(NearestNames, IgnoresCaseAndTellsEachOnce) {
    EXPECT_THAT(nearest_names("ssl_raed", {"SSL_read", "SSL_read"}), ElementsAre("SSL_read"));
}

TEST(NearestNames, FindsANameWithTwoLettersSwapped) {
    EXPECT_THAT(nearest_names("qsrot", {"qsort", "qsort_r", "sort", "quart"}), ElementsAre("qsort"));
}

TEST(NearestNames, FindsNothingLikeNothing) {
    EXPECT_THAT(nearest_names("zzzzzz", {"main", "exit"}), IsEmpty());
    EXPECT_THAT(nearest_names("x", {}), IsEmpty());
}

}  // namespace
}  // namespace autotune::native
