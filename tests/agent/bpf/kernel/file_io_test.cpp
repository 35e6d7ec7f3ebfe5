// Bytes, paths and errors of file calls, each form, against what the child itself counted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <numeric>

#include "os/fd.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfFiles : public ::testing::Test {
protected:
    void SetUp() override {
        AUTOTUNE_NEEDS_BPF();
        folder_ = "/tmp/autotune-test-files-" + std::to_string(getpid());
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] static std::vector<std::int64_t> results(const Recorder& r, pid_t pid, IoOp op,
                                                           const std::string& path) {
        std::vector<std::int64_t> all;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (io.op == op && r.text(io.path) == path) all.push_back(io.result);
        return all;
    }
    std::string folder_;
};

TEST_F(BpfFiles, TellsExactlyTheBytesOfEveryForm) {
    const OwnCgroup cgroup("files");
    Recorder r({cgroup.path()});
    const std::string path = folder_ + "/data";
    WatchedChild child(cgroup, [&] {
        std::array<char, 512> data{};
        std::array<iovec, 2> v{{{data.data(), 30}, {data.data(), 4}}};
        const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (fd < 0) return 1;
        if (write(fd, data.data(), 100) != 100 || writev(fd, v.data(), 2) != 34) return 2;
        if (pwrite(fd, data.data(), 50, 1000) != 50 || pwritev(fd, v.data(), 2, 2000) != 34) return 3;
        if (pwritev2(fd, v.data(), 1, 3000, 0) != 30) return 4;
        if (fsync(fd) != 0 || fdatasync(fd) != 0 || lseek(fd, 0, SEEK_SET) != 0) return 5;
        if (read(fd, data.data(), 64) != 64 || readv(fd, v.data(), 2) != 34) return 6;
        if (pread(fd, data.data(), 99, 0) != 99 || preadv(fd, v.data(), 2, 0) != 34) return 7;
        if (preadv2(fd, v.data(), 1, 0, 0) != 30) return 8;
        return close(fd);
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    using Results = std::vector<std::int64_t>;
    EXPECT_EQ(results(r, child.pid(), IoOp::write, path), (Results{100, 34, 50, 34, 30}));
    EXPECT_EQ(results(r, child.pid(), IoOp::read, path), (Results{64, 34, 99, 34, 30}));
    EXPECT_EQ(results(r, child.pid(), IoOp::sync, path), (Results{0, 0}));
    EXPECT_EQ(results(r, child.pid(), IoOp::close_file, path), (Results{0}));
    EXPECT_EQ(results(r, child.pid(), IoOp::open, path).size(), 1u);
    EXPECT_TRUE(r.of<Lost>().empty());
}

TEST_F(BpfFiles, NamesFilesOpenedInEveryWay) {
    const OwnCgroup cgroup("open");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        if (chdir(folder_.c_str()) != 0) return 1;
        const int directory = open(folder_.c_str(), O_RDONLY | O_DIRECTORY);
        if (creat((folder_ + "/created").c_str(), 0600) < 0) return 2;
        if (openat(directory, "below", O_CREAT | O_WRONLY, 0600) < 0) return 3;
        open_how how{.flags = O_CREAT | O_WRONLY, .mode = 0600, .resolve = 0};
        if (syscall(SYS_openat2, directory, "two", &how, sizeof how) < 0) return 4;
        const int relative = open("./relative", O_CREAT | O_WRONLY, 0600);
        if (relative < 0) return 5;
        if (open("absent", O_RDONLY) != -1) return 6;
        const int copy = dup2(relative, 100);
        if (write(copy, "12345", 5) != 5) return 7;
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    for (const char* name : {"/created", "/below", "/two"}) {
        const auto opened = results(r, child.pid(), IoOp::open, folder_ + name);
        ASSERT_EQ(opened.size(), 1u) << name;
        EXPECT_GE(opened[0], 0) << name;
    }
    // The working directory was asked for when the process had perhaps gone: then the name is as it was
    // given.
    auto absent = results(r, child.pid(), IoOp::open, folder_ + "/absent");
    if (absent.empty()) absent = results(r, child.pid(), IoOp::open, "absent");
    EXPECT_EQ(absent, std::vector<std::int64_t>{-ENOENT});
    auto through_dup = results(r, child.pid(), IoOp::write, folder_ + "/relative");
    if (through_dup.empty()) through_dup = results(r, child.pid(), IoOp::write, "./relative");
    EXPECT_EQ(through_dup, std::vector<std::int64_t>{5});
}

TEST_F(BpfFiles, TellsNothingOfFilesWhenNotAsked) {
    const OwnCgroup cgroup("quiet");
    Recorder r({cgroup.path()});
    Detail detail;
    detail.cgroups = {cgroup.path()};
    detail.io = false;
    ASSERT_TRUE(r.source->focus(detail));
    WatchedChild child(cgroup, [&] {
        const Fd fd(open("/proc/self/exe", O_RDONLY));
        char byte = 0;
        return read(fd.get(), &byte, 1) == 1 ? 0 : 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_TRUE(r.of<IoDone>(child.pid()).empty());
}

}  // namespace
}  // namespace autotune::test
