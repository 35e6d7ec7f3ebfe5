#include "agent/native/calibration.hpp"

#include <gtest/gtest.h>

namespace autotune::native {
namespace {

class Calibrating : public ::testing::TestWithParam<AttachMethod> {};

// What newer kernels do in one go, older ones do in pairs: each way that this one has must see each call. The
// last one every kernel has.
TEST_P(Calibrating, SeesEmptyFunctionsByEachMethodOfThisKernel) {
    auto probes = KernelProbes::load(GetParam(), 16, 1 << 20);
    if (!probes && GetParam() != AttachMethod::pairs) GTEST_SKIP() << probes.error().message;
    ASSERT_TRUE(probes) << probes.error().message;
    const auto measured = calibrate(*probes);
    if (!measured && GetParam() != AttachMethod::pairs) GTEST_SKIP() << measured.error().message;
    ASSERT_TRUE(measured) << measured.error().message;
    for (const auto& kinds : measured->by_end)
        for (const ProbeBias& bias : kinds) {
            EXPECT_GT(bias.bias_ns, 0u);
            EXPECT_GE(bias.cost_ns, bias.bias_ns);
        }
    EXPECT_TRUE(probes->sums().empty()) << "its own calls are nobody's";
}
INSTANTIATE_TEST_SUITE_P(Methods, Calibrating,
                         ::testing::Values(AttachMethod::session, AttachMethod::multi, AttachMethod::pairs));

}  // namespace
}  // namespace autotune::native
