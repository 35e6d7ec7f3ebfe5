#include "agent/native/calibration.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/native/program_file.hpp"
#include "os/fd.hpp"

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

// Pairs take an open file for each probe.
TEST(ProbePairs, AreNotStoppedByTheSoftLimitOfOpenFiles) {
    const auto file = ProgramFile::open(AUTOTUNE_NATIVE_PROGRAM);
    ASSERT_TRUE(file);
    const auto functions = file->find("probed_*");
    ASSERT_TRUE(functions);
    ProbeSet entries{.path = file->path(), .use = ProbeUse::entry};
    for (const ProgramFunction& f : *functions) {
        entries.offsets.push_back(f.file_offset);
        entries.cookies.push_back(0);
    }
    auto probes = KernelProbes::load(AttachMethod::pairs, 16, 1 << 20);
    ASSERT_TRUE(probes) << probes.error().message;
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const Fd highest(dup(STDERR_FILENO));
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(highest.get()) + 3;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    const Status attached = probes->attach(entries);
    rlimit after{};
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_GT(entries.offsets.size(), 3u);
    EXPECT_TRUE(attached) << attached.error().message;
    EXPECT_EQ(after.rlim_cur, tight.rlim_cur) << "what is started later has the limit it would have had";
}

}  // namespace
}  // namespace autotune::native
