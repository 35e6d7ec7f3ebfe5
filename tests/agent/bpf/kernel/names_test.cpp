// What is done to names and directories, mappings of files, and descriptors that a new program inherits.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "os/fd.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

using Results = std::vector<std::int64_t>;

class BpfNames : public ::testing::Test {
protected:
    void SetUp() override {
        AUTOTUNE_NEEDS_BPF();
        folder_ = "/tmp/autotune-test-names-" + std::to_string(getpid());
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] Results results(const Recorder& r, pid_t pid, IoOp op, const std::string& name) const {
        Results all;
        for (const IoDone& io : r.of<IoDone>(pid)) {
            if (io.op != op || r.text(io.path) != folder_ + name) continue;
            EXPECT_GT(io.latency.count(), 0);
            all.push_back(io.result);
        }
        return all;
    }
    std::string folder_;
};

TEST_F(BpfNames, AreMadeMovedLinkedResizedAndRemoved) {
    const OwnCgroup cgroup("names");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        const auto at = [&](const char* name) { return folder_ + name; };
        if (mkdir(at("/d").c_str(), 0700) != 0 || mkdir(at("/d").c_str(), 0700) == 0) return 1;
        const Fd directory(open(at("/d").c_str(), O_RDONLY | O_DIRECTORY));
        if (mkdirat(directory.get(), "sub", 0700) != 0) return 2;
        const Fd file(openat(directory.get(), "f", O_RDWR | O_CREAT, 0600));
        if (ftruncate(file.get(), 10) != 0 || truncate(at("/d/f").c_str(), 20) != 0) return 3;
        if (link(at("/d/f").c_str(), at("/hard").c_str()) != 0) return 4;
        if (linkat(directory.get(), "f", directory.get(), "hard", 0) != 0) return 5;
        if (symlink("d/f", at("/soft").c_str()) != 0 || symlinkat("f", directory.get(), "soft") != 0) return 6;
        if (rename(at("/hard").c_str(), at("/moved").c_str()) != 0) return 7;
        if (renameat(directory.get(), "hard", directory.get(), "moved") != 0) return 8;
        if (unlink(at("/moved").c_str()) != 0 || unlinkat(directory.get(), "moved", 0) != 0) return 9;
        return rmdir(at("/d/sub").c_str());
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const pid_t pid = child.pid();
    EXPECT_EQ(results(r, pid, IoOp::make_directory, "/d"), (Results{0, -EEXIST}));
    EXPECT_EQ(results(r, pid, IoOp::make_directory, "/d/sub"), Results{0});
    EXPECT_EQ(results(r, pid, IoOp::resize, "/d/f"), (Results{0, 0}));
    for (const char* name : {"/hard", "/d/hard", "/soft", "/d/soft"})
        EXPECT_EQ(results(r, pid, IoOp::link, name), Results{0}) << name;
    for (const char* name : {"/hard", "/d/hard"})
        EXPECT_EQ(results(r, pid, IoOp::rename, name), Results{0}) << name;
    for (const char* name : {"/moved", "/d/moved", "/d/sub"})
        EXPECT_EQ(results(r, pid, IoOp::remove, name), Results{0}) << name;
}

TEST_F(BpfNames, AreThoseOfDirectoriesThatAreListed) {
    const OwnCgroup cgroup("list");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) (void)entry;
        return error ? 1 : 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const Results listed = results(r, child.pid(), IoOp::list, "");
    ASSERT_EQ(listed.size(), 2u);
    EXPECT_GT(listed[0], 0);  // "." and ".."
    EXPECT_EQ(listed[1], 0);  // no more
}

TEST_F(BpfNames, AreThoseOfFilesThatAreMappedAndSynced) {
    const OwnCgroup cgroup("map");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        const Fd file(open((folder_ + "/mapped").c_str(), O_RDWR | O_CREAT, 0600));
        if (ftruncate(file.get(), 8192) != 0) return 1;
        void* at = mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (at == MAP_FAILED) return 2;
        static_cast<char*>(at)[5000] = 'x';
        return msync(static_cast<char*>(at) + 4096, 4096, MS_SYNC);
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(results(r, child.pid(), IoOp::map_file, "/mapped"), Results{8192});
    EXPECT_EQ(results(r, child.pid(), IoOp::sync, "/mapped"), Results{0});
}

TEST_F(BpfNames, OfDescriptorsOutliveAnExecUnlessTheyWereToBeClosed) {
    const OwnCgroup cgroup("exec");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        const Fd kept(open((folder_ + "/kept").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        const Fd closed(open((folder_ + "/closed").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        if (dup2(kept.get(), 8) != 8 || dup3(closed.get(), 9, O_CLOEXEC) != 9) return 1;
        // The second number is another file for the new program.
        const char* script = "echo hello >&8; exec 9</dev/null; read x <&9; exit 7";
        execl("/bin/sh", "sh", "-c", script, nullptr);
        return 1;
    });
    EXPECT_EQ(WEXITSTATUS(child.wait()), 7);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(results(r, child.pid(), IoOp::write, "/kept"), Results{6});
    EXPECT_TRUE(results(r, child.pid(), IoOp::read, "/closed").empty());
    bool loaded = false;  // the loader's work is told, too
    for (const IoDone& io : r.of<IoDone>(child.pid()))
        loaded = loaded || (io.op == IoOp::map_file && r.text(io.path).find("libc.so") != std::string::npos);
    EXPECT_TRUE(loaded);
}

}  // namespace
}  // namespace autotune::test
