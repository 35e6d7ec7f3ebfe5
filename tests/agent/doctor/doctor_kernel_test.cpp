#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "agent/doctor/doctor.hpp"

namespace autotune::doctor {
namespace {

Health health_of(const Diagnosis& d, const std::string& name) {
    const auto found = std::ranges::find(d.checks, name, &Check::name);
    return found == d.checks.end() ? Health::missing : found->health;
}

// Runs it in a process of its own, so that users and mounts change for nobody else; what it returns is the
// number of the expectation that failed, 0 when none.
int in_child(const std::function<int()>& expectations) {
    const pid_t pid = fork();
    if (pid == 0) _exit(expectations());
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

class DoctorOnKernel : public ::testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root: to see that BPF loads, and to give rights up";
    }
};

TEST_F(DoctorOnKernel, FindsThatBpfWorksAndWhatItCosts) {
    Diagnosis d;
    std::chrono::nanoseconds took{};
    // A few times: it, or one of two costs, may have been measured while others wanted the machine.
    const auto is_undisturbed = [&] {
        return took < std::chrono::seconds(3) && d.costs.size() == 5u && d.costs[2].median_ns > d.costs[1].median_ns;
    };
    for (int tries = 0; tries < 5 && (tries == 0 || !is_undisturbed()); ++tries) {
        const auto begin = std::chrono::steady_clock::now();
        d = diagnose();
        took = std::chrono::steady_clock::now() - begin;
    }
    EXPECT_LT(took, std::chrono::seconds(3));
    EXPECT_TRUE(d.bpf_works());
    for (const Check& c : d.checks) {
        if (!c.required) continue;
        EXPECT_EQ(c.health, Health::ok) << c.name << ": " << c.detail;
    }
    ASSERT_EQ(d.costs.size(), 5u);
    EXPECT_GT(d.costs[0].median_ns, 10);
    EXPECT_GT(d.costs[2].median_ns, d.costs[1].median_ns) << "a record costs more than an empty program";
}

TEST_F(DoctorOnKernel, SaysWhatAnOrdinaryUserLacks) {
    EXPECT_EQ(in_child([] {
                  if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) return 1;
                  const Diagnosis d = diagnose();
                  if (d.bpf_works()) return 2;
                  if (health_of(d, "capabilities") != Health::missing) return 3;
                  if (health_of(d, "ring-buffer") != Health::missing) return 4;
                  if (health_of(d, "btf") != Health::ok) return 5;
                  return d.works.empty() || d.lacking.empty() ? 6 : 0;
              }),
              0);
}

TEST_F(DoctorOnKernel, SaysThatBtfIsHidden) {
    EXPECT_EQ(in_child([] {
                  if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
                      return 1;
                  if (mount("none", "/sys/kernel/btf", "tmpfs", 0, nullptr) != 0) return 2;
                  const Diagnosis d = diagnose();
                  if (d.bpf_works()) return 3;
                  if (health_of(d, "btf") != Health::missing) return 4;
                  if (health_of(d, "tp-btf") != Health::missing) return 5;
                  return health_of(d, "raw-tracepoint") == Health::ok ? 0 : 6;
              }),
              0);
}

}  // namespace
}  // namespace autotune::doctor
