#include "cli/sampler_notes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SamplerNotes, SayWhatIsMissingAndNothingElse) {
    EXPECT_THAT(sampler_notes({.samples = 1'000}), IsEmpty());
    symbols::SamplerHealth health{.not_copied = 3};
    health.unwinding_refused = 1;
    health.symbols.modules.cut = 4;
    health.symbols.jit_refused = 2;
    EXPECT_THAT(sampler_notes(health), ElementsAre(HasSubstr("3 stacks of new processes"), HasSubstr("1 files, mappings or processes"),
                                                   HasSubstr("4 files have sections"), HasSubstr("2 perf maps")));
}

TEST(SamplerNotes, TellSomeFetchesAndHowManyMore) {
    symbols::SamplerHealth health;
    health.fetches.resize(20);
    EXPECT_THAT(sampler_notes(health), SizeIs(9));
    EXPECT_EQ(sampler_notes(health).back(), "12 more were asked of debuginfod");
}

}  // namespace
}  // namespace autotune::cli
