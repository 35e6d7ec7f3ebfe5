// Bytes that go from one descriptor to another within the kernel, at both ends.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <array>
#include <filesystem>
#include <thread>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

using Results = std::vector<std::int64_t>;

class BpfMoves : public ::testing::Test {
protected:
    void SetUp() override {
        AUTOTUNE_NEEDS_BPF();
        path_ = "/tmp/autotune-test-moves-" + std::to_string(getpid());
        const Fd file(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
        const std::string text(5000, 'x');
        ASSERT_EQ(write(file.get(), text.data(), text.size()), 5000);
    }
    void TearDown() override {
        std::filesystem::remove(path_);
        std::filesystem::remove(path_ + ".copy");
    }

    // What was done on files of that name; "": on sockets and pipes.
    static Results results(const Recorder& r, pid_t pid, IoOp op, const std::string& path) {
        Results all;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (const std::string name = r.text(io.path);
                io.op == op && (path.empty() ? !name.starts_with("/") : name.starts_with(path)))
                all.push_back(io.result);
        return all;
    }
    std::string path_;
};

TEST_F(BpfMoves, OfSendfileAreReadFromTheFileAndSentOnTheSocket) {
    const OwnCgroup cgroup("sendfile");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    std::size_t swallowed = 0;
    std::thread peer([&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        swallowed = swallow(c.get());
    });
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        const Fd file(open(path_.c_str(), O_RDONLY));
        if (connect_to(fd.get(), port) != 0) return 1;
        if (sendfile(fd.get(), file.get(), nullptr, 2000) != 2000) return 2;
        off_t at = 4000;  // the file ends after 1000 more
        return sendfile(fd.get(), file.get(), &at, 2000) == 1000 ? 0 : 3;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(swallowed, 3000u);
    EXPECT_EQ(results(r, child.pid(), IoOp::send, ""), (Results{2000, 1000}));
    EXPECT_EQ(results(r, child.pid(), IoOp::read, path_), (Results{2000, 1000}));
}

TEST_F(BpfMoves, OfCopiesAndPipesAreToldAtBothEnds) {
    const OwnCgroup cgroup("pipes");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        const Fd from(open(path_.c_str(), O_RDONLY));
        const Fd to(open((path_ + ".copy").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
        if (copy_file_range(from.get(), nullptr, to.get(), nullptr, 1500, 0) != 1500) return 1;
        std::array<int, 2> pipe_a{}, pipe_b{};
        if (pipe(pipe_a.data()) != 0 || pipe(pipe_b.data()) != 0) return 2;
        if (splice(from.get(), nullptr, pipe_a[1], nullptr, 700, 0) != 700) return 3;
        if (tee(pipe_a[0], pipe_b[1], 600, 0) != 600) return 4;
        if (splice(pipe_a[0], nullptr, to.get(), nullptr, 700, 0) != 700) return 5;
        std::array<char, 64> text{};
        const iovec v{text.data(), text.size()};
        if (vmsplice(pipe_a[1], &v, 1, 0) != 64 || vmsplice(pipe_a[0], &v, 1, 0) != 64) return 6;
        return splice(pipe_a[0], nullptr, -1, nullptr, 1, 0) == -1 ? 0 : 7;  // no such descriptor
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(results(r, child.pid(), IoOp::read, path_), (Results{1500, 700}));
    EXPECT_EQ(results(r, child.pid(), IoOp::write, path_), (Results{1500, 700}));
    EXPECT_EQ(results(r, child.pid(), IoOp::write, ""), (Results{700, 600, 64}));
    EXPECT_EQ(results(r, child.pid(), IoOp::read, ""), (Results{700, 64}));
    EXPECT_TRUE(r.of<Lost>().empty());
}

}  // namespace
}  // namespace autotune::test
