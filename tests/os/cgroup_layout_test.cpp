#include "os/cgroup_layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/os/fake_cgroups.hpp"

namespace autotune {
namespace {

using ::testing::HasSubstr;

std::string mount(const std::string& point, const std::string& type, const std::string& options) {
    return "41 31 0:38 / " + point + " rw,relatime shared:7 master:1 - " + type + " " + type + " " + options +
           "\n";
}

TEST(CgroupLayout, MixedMachinesHaveTheirControllersOnV1AndABareV2Node) {
    FakeCgroups fake;
    const std::string unified = fake.put("unified/cgroup.controllers", "hugetlb\n").root() / "unified";
    const auto layout = parse_cgroup_layout(
        mount("/c/memory", "cgroup", "rw,memory") + mount("/c/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct") +
        mount("/c/pids", "cgroup", "rw,pids") + mount(unified, "cgroup2", "rw"));
    ASSERT_TRUE(layout) << layout.error().message;
    EXPECT_EQ(layout->unified, unified);
    EXPECT_EQ((*layout)[Controller::memory].version, CgroupVersion::v1);
    EXPECT_EQ((*layout)[Controller::memory].mount, "/c/memory");
    EXPECT_EQ((*layout)[Controller::cpu].mount, "/c/cpu,cpuacct");
    EXPECT_EQ((*layout)[Controller::pids].mount, "/c/pids");
}

TEST(CgroupLayout, PureV2HasThemAllInOnePlace) {
    FakeCgroups fake;
    const std::string unified =
        fake.put("unified/cgroup.controllers", "cpuset cpu io memory pids\n").root() / "unified";
    const auto layout = parse_cgroup_layout(mount(unified, "cgroup2", "rw"));
    ASSERT_TRUE(layout);
    for (const Controller c : kControllers) {
        EXPECT_EQ((*layout)[c].version, CgroupVersion::v2);
        EXPECT_EQ((*layout)[c].mount, unified);
    }
}

TEST(CgroupLayout, AControllerThatIsNowhereIsMissingAndCpuacctIsNotCpu) {
    FakeCgroups fake;
    const std::string unified = fake.put("unified/cgroup.controllers", "memory\n").root() / "unified";
    const auto layout =
        parse_cgroup_layout(mount("/c/a", "cgroup", "rw,cpuacct") + mount(unified, "cgroup2", "rw"));
    ASSERT_TRUE(layout);
    EXPECT_EQ((*layout)[Controller::cpu].version, CgroupVersion::none);
    EXPECT_THAT(to_string(*layout), HasSubstr("memory v2, cpu missing, pids missing"));
}

TEST(CgroupLayout, WithoutAV2MountThereAreNoIds) {
    const auto layout = parse_cgroup_layout(mount("/c/memory", "cgroup", "rw,memory"));
    ASSERT_FALSE(layout);
    EXPECT_EQ(layout.error().code, Errc::unsupported);
}

TEST(CgroupLayout, ReadsEscapedMountPointsAndPassesOverBrokenLines) {
    const auto layout = parse_cgroup_layout("nonsense\n\n" + mount("/my\\040groups", "cgroup2", "rw"));
    ASSERT_TRUE(layout);
    EXPECT_EQ(layout->unified, "/my groups");
}

}  // namespace
}  // namespace autotune
