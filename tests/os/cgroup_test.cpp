#include "os/cgroup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/os/fake_cgroups.hpp"

namespace autotune {
namespace {

using namespace std::chrono_literals;

class CgroupV1 : public ::testing::Test {
protected:
    CgroupV1() {
        fake.put("unified/a/cgroup.kill").put("unified/a/cgroup.freeze");
        for (const auto* file :
             {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max_usage_in_bytes"}) {
            fake.put(std::filesystem::path("memory/a") / file);
        }
        fake.put("cpu/a/cpu.cfs_quota_us").put("cpu/a/cpu.cfs_period_us").put("pids/a/pids.max");
    }
    Cgroup group() { return Cgroup::create(fake.v1(), "a").value(); }
    FakeCgroups fake;
};

class CgroupV2 : public ::testing::Test {
protected:
    CgroupV2() {
        for (const auto* file :
             {"memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max", "cgroup.kill"}) {
            fake.put(std::filesystem::path("unified/a") / file);
        }
    }
    Cgroup group() { return Cgroup::create(fake.v2(), "a").value(); }
    FakeCgroups fake;
};

TEST_F(CgroupV1, LimitsAreWrittenWhereEachControllerLives) {
    Cgroup g = group();
    EXPECT_TRUE(g.limit_memory(128 << 20));
    EXPECT_TRUE(g.limit_cpu(5ms, 20ms));
    EXPECT_TRUE(g.limit_pids(64));
    EXPECT_EQ(fake.text("memory/a/memory.limit_in_bytes"), "134217728");
    EXPECT_EQ(fake.text("memory/a/memory.memsw.limit_in_bytes"), "134217728");
    EXPECT_EQ(fake.text("cpu/a/cpu.cfs_quota_us"), "5000");
    EXPECT_EQ(fake.text("cpu/a/cpu.cfs_period_us"), "20000");
    EXPECT_EQ(fake.text("pids/a/pids.max"), "64");
}

TEST_F(CgroupV2, LimitsAreInTheOneDirectory) {
    Cgroup g = group();
    EXPECT_TRUE(g.limit_memory(128 << 20));
    EXPECT_TRUE(g.limit_cpu(5ms, 20ms));
    EXPECT_TRUE(g.limit_pids(64));
    EXPECT_TRUE(g.kill_together_on_oom());
    EXPECT_EQ(fake.text("unified/a/memory.max"), "134217728");
    EXPECT_EQ(fake.text("unified/a/memory.swap.max"), "0");
    EXPECT_EQ(fake.text("unified/a/memory.oom.group"), "1");
    EXPECT_EQ(fake.text("unified/a/cpu.max"), "5000 20000");
    EXPECT_EQ(fake.text("unified/a/pids.max"), "64");
}

TEST_F(CgroupV2, AQuotaBelowTheKernelsLeastKeepsItsShareByALongerPeriod) {
    EXPECT_TRUE(group().limit_cpu(500us, 20ms));
    EXPECT_EQ(fake.text("unified/a/cpu.max"), "1000 40000");
}

TEST_F(CgroupV1, ReadsUsagePeakAndKills) {
    fake.put("memory/a/memory.usage_in_bytes", "4096\n").put("memory/a/memory.max_usage_in_bytes", "8192\n");
    fake.put("memory/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    const Cgroup g = group();
    EXPECT_EQ(g.memory_usage().value(), 4096U);
    EXPECT_EQ(g.memory_peak().value(), 8192U);
    EXPECT_EQ(g.oom_kills().value(), 3U);
}

TEST_F(CgroupV2, ReadsUsagePeakAndKills) {
    fake.put("unified/a/memory.current", "4096\n").put("unified/a/memory.peak", "8192\n");
    fake.put("unified/a/memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 1\n");
    const Cgroup g = group();
    EXPECT_EQ(g.memory_usage().value(), 4096U);
    EXPECT_EQ(g.memory_peak().value(), 8192U);
    EXPECT_EQ(g.oom_kills().value(), 1U);
}

TEST_F(CgroupV1, ResetsTheWatermarkByWritingZero) {
    EXPECT_TRUE(group().reset_memory_peak());
    EXPECT_EQ(fake.text("memory/a/memory.max_usage_in_bytes"), "0");
}

TEST_F(CgroupV2, SaysSoWhenTheWatermarkCannotBeReset) {
    EXPECT_EQ(group().reset_memory_peak().error().code, Errc::unsupported);  // no memory.peak at all
}

TEST_F(CgroupV1, FreezesAndKillsByTheV2Node) {
    fake.put("unified/a/cgroup.events", "populated 1\nfrozen 0\n").put("unified/a/cgroup.procs", "12\n34\n");
    Cgroup g = group();
    EXPECT_TRUE(g.freeze());
    EXPECT_EQ(fake.text("unified/a/cgroup.freeze"), "1");
    EXPECT_TRUE(g.thaw());
    EXPECT_EQ(fake.text("unified/a/cgroup.freeze"), "0");
    EXPECT_TRUE(g.kill_all());
    EXPECT_EQ(fake.text("unified/a/cgroup.kill"), "1");
    EXPECT_TRUE(g.populated().value());
    EXPECT_FALSE(g.frozen().value());
    EXPECT_EQ(g.processes().value(), (std::vector<pid_t>{12, 34}));
}

TEST_F(CgroupV1, NewProcessesJoinEachV1Hierarchy) {
    const Cgroup g = group();
    EXPECT_EQ(g.join_files(), (std::vector<std::filesystem::path>{fake.root() / "memory/a/cgroup.procs",
                                                                  fake.root() / "cpu/a/cgroup.procs",
                                                                  fake.root() / "pids/a/cgroup.procs"}));
}

TEST_F(CgroupV2, NewProcessesJoinNothingButTheirOwn) { EXPECT_TRUE(group().join_files().empty()); }

TEST_F(CgroupV2, ItsIdIsTheInodeOfItsDirectory) {
    const Cgroup g = group();
    struct stat status {};
    ASSERT_EQ(::stat((fake.root() / "unified/a").c_str(), &status), 0);
    EXPECT_EQ(static_cast<std::uint64_t>(g.id()), status.st_ino);
}

TEST_F(CgroupV2, ControllersThatAreMissingAreNamed) {
    CgroupLayout bare{.unified = fake.root() / "unified"};
    Cgroup g = Cgroup::create(bare, "a").value();
    for (const Status& status : {g.limit_memory(1), g.limit_cpu(1ms, 1ms), g.limit_pids(1)}) {
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().code, Errc::unsupported);
    }
}

TEST_F(CgroupV2, AParentThatDoesNotExistIsAnError) {
    EXPECT_EQ(Cgroup::create(fake.v2(), "no/such").error().code, Errc::not_found);
}

TEST_F(CgroupV2, NumbersThatAreNoneAreNotInvented) {
    fake.put("unified/a/memory.current", "max\n").put("unified/a/memory.events", "low 0\n");
    const Cgroup g = group();
    EXPECT_EQ(g.memory_usage().error().code, Errc::corrupt);
    EXPECT_EQ(g.oom_kills().error().code, Errc::unsupported);
}

}  // namespace
}  // namespace autotune
