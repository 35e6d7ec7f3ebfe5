// What `kill -9` of the host leaves behind: nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "os/file.hpp"
#include "os/pidfd.hpp"
#include "os/process.hpp"
#include "tests/host/sandbox/sandbox_world.hpp"

namespace autotune::host {
namespace {

class HostDeath : public SandboxWorld {
protected:
    // All below the root, in the v2 hierarchy; relative names of those with a process.
    std::size_t populated_groups() {
        const auto root = detect_cgroup_layout().value().unified / cgroup_root;
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
            if (!entry.is_directory()) continue;
            count += !read_file(entry.path() / "cgroup.procs").value_or("").empty();
        }
        return count;
    }
    std::vector<std::string> hosts() {
        std::vector<std::string> names;
        for (const auto& entry :
             std::filesystem::directory_iterator(detect_cgroup_layout().value().unified / cgroup_root)) {
            if (entry.is_directory()) names.push_back(entry.path().filename());
        }
        return names;
    }
};

TEST_F(HostDeath, LeavesNoProcessAndTheNextHostRemovesItsCgroups) {
    const auto code = scratch.path() / "code";
    write_text(code / "app.py", R"(
import subprocess, time
def handler(event, context):
    subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)
    open(__file__ + '.ready', 'w').close()
    time.sleep(1000)
)");
    const std::string program = AUTOTUNE_BINARY_DIR "/tests/host/sandbox/mortal_host";
    Result<Child> host = on_loop([&] {
        return spawn({.argv = {program, scratch.path() / "mortal", code, cgroup_root}, .environment = {}});
    });
    ASSERT_TRUE(host) << host.error().message;
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(code / "app.py.ready"); }));
    EXPECT_EQ(populated_groups(), 1U);

    ASSERT_TRUE(send_signal(host->pidfd, SIGKILL));
    ASSERT_TRUE(eventually([&] { return reap(host->pidfd).value().has_value(); }));
    EXPECT_TRUE(eventually([&] { return populated_groups() == 0; }));
    EXPECT_EQ(hosts(), std::vector{std::to_string(host->pid)});

    on_loop([&] { pool(); });  // the next host
    EXPECT_EQ(hosts(), std::vector{std::to_string(::getpid())});
    for (const Controller c : kControllers) {
        const auto mount = detect_cgroup_layout().value()[c].mount;
        EXPECT_FALSE(std::filesystem::exists(mount / cgroup_root / std::to_string(host->pid))) << mount;
    }
}

TEST_F(HostDeath, AHostThatStartsLeavesTheLivingAlone) {
    const auto function = python("lives", "def handler(e, c): return 1\n");
    ASSERT_EQ(invoke(function).payload, "1");
    auto second = on_loop([&] {
        return SandboxPool::create(
            {.loop = loop, .clock = clock, .state = scratch.path() / "second", .cgroup_root = cgroup_root});
    });
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(hosts().size(), 2U);
    on_loop([&] { second->reset(); });
    EXPECT_EQ(hosts().size(), 1U);
    EXPECT_EQ(invoke(function).payload, "1");
    EXPECT_EQ(sandboxes(), 1U);
}

TEST_F(HostDeath, StoppingTheHostAnswersThoseWhoWait) {
    auto answer = begin(python("waits", "import time\ndef handler(e, c): time.sleep(1000)\n"));
    ASSERT_TRUE(eventually([this] { return pool().count().busy == 1; }));
    stop_pool();
    EXPECT_EQ(finish(std::move(answer)).kind, InvokeResult::Kind::host_failure);
    EXPECT_TRUE(hosts().empty());
}

}  // namespace
}  // namespace autotune::host
