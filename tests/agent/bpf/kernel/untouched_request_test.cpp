// Executors that send requests from pages they have never touched: constants of the program, sent for the first
// time. The kernel faults them in during the call; before it, no BPF program can read them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

constexpr std::size_t kPage = 4096;

// A text in a file's pages, mapped and not touched by anybody: it ends `spill` bytes into its second page.
class Constant {
public:
    explicit Constant(const std::string& text, std::size_t spill = 0) : size_(text.size()) {
        const std::size_t offset = kPage + spill - size_;
        const Fd file(memfd_create("constant", MFD_CLOEXEC));
        if (ftruncate(file.get(), 2 * kPage) != 0 ||
            pwrite(file.get(), text.data(), size_, static_cast<off_t>(offset)) < 0)
            return;
        void* pages = mmap(nullptr, 2 * kPage, PROT_READ, MAP_PRIVATE, file.get(), 0);
        at_ = static_cast<const char*>(pages) + offset;
    }
    [[nodiscard]] const char* data() const { return at_; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    const char* at_ = nullptr;
    std::size_t size_;
};

class BpfUntouchedRequests : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static std::string next() { return "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"; }
    static std::string post(int i) {
        return "POST /2018-06-01/runtime/invocation/id-" + std::to_string(i) +
               "/response HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345";
    }
    // Each request in another kind of untouched memory.
    static int execute(std::uint16_t port) {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        const Constant first(next());
        if (!send_all(fd.get(), first.data(), first.size()) || !read_until(fd.get(), "\r\n\r\n{}")) return 2;
        const Constant spilling(post(0), 40);  // its end is in a page of its own
        if (write(fd.get(), spilling.data(), spilling.size()) < 0 || !read_until(fd.get(), "\n")) return 3;

        const Constant second(next());
        iovec in_memory{const_cast<char*>(second.data()), second.size()};
        if (writev(fd.get(), &in_memory, 1) < 0 || !read_until(fd.get(), "\r\n\r\n{}")) return 4;
        const Constant answer(post(1));
        const iovec vector{const_cast<char*>(answer.data()), answer.size()};
        const Constant vectors(std::string(reinterpret_cast<const char*>(&vector), sizeof vector));
        msghdr message{};
        message.msg_iov = reinterpret_cast<iovec*>(const_cast<char*>(vectors.data()));
        message.msg_iovlen = 1;
        if (sendmsg(fd.get(), &message, 0) < 0 || !read_until(fd.get(), "\n")) return 5;
        return 0;
    }
    static void expect_all(Recorder& r, const OwnCgroup& cgroup) {
        FakeRuntimeApi api({{.id = "id-0", .payload = "{}"}, {.id = "id-1", .payload = "{}"}}, 1);
        WatchedChild child(cgroup, [&] { return execute(api.port()); });
        EXPECT_EQ(child.wait(), 0);
        ASSERT_TRUE(r.poll_until_exit(child.pid()));
        const auto ready = r.events_of<ExecutorReady>(child.pid());
        const auto started = r.events_of<InvocationStarted>(child.pid());
        const auto ended = r.events_of<InvocationEnded>(child.pid());
        ASSERT_EQ(ready.size(), 2u);
        ASSERT_EQ(started.size(), 2u);
        ASSERT_EQ(ended.size(), 2u);
        for (std::size_t i = 0; i < 2; ++i) {
            EXPECT_EQ(std::get<InvocationEnded>(ended[i].body).id.view(), "id-" + std::to_string(i));
            EXPECT_EQ(std::get<InvocationEnded>(ended[i].body).response_bytes, 5u);
            EXPECT_LE(ready[i].at, started[i].at);
            EXPECT_LE(started[i].at, ended[i].at);
        }
        for (const IoDone& io : r.of<IoDone>(child.pid())) EXPECT_NE(io.op, IoOp::send);
        EXPECT_TRUE(r.of<Lost>().empty());
    }
};

TEST_F(BpfUntouchedRequests, AreHeardWhenTheCallHasReadThem) {
    const OwnCgroup cgroup("untouched");
    Recorder r({cgroup.path()});
    expect_all(r, cgroup);
}

TEST_F(BpfUntouchedRequests, GiveAwayAnExecutorThatNobodyNamed) {
    const OwnCgroup cgroup("untouched-unnamed");
    Recorder r(Detail{});
    expect_all(r, cgroup);
}

TEST_F(BpfUntouchedRequests, AreOfTheTimeTheirCallBegan) {
    const OwnCgroup cgroup("untouched-time");
    Recorder r({cgroup.path()});
    Shared<std::int64_t> returned;
    FakeRuntimeApi api({}, 1);
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), api.port()) != 0) return 1;
        const Constant request(next());
        SystemClock clock;
        if (!send_all(fd.get(), request.data(), request.size())) return 2;
        *returned = to_ns(clock.now());
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto ready = r.events_of<ExecutorReady>(child.pid());
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_LT(to_ns(ready[0].at), *returned);
    EXPECT_GT(std::get<ExecutorReady>(ready[0].body).usage.cpu_ns, 0u);
}

TEST_F(BpfUntouchedRequests, OrdinaryTrafficOutOfThemStaysIo) {
    const OwnCgroup cgroup("untouched-io");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port_of(listener.get())) != 0) return 1;
        const Constant text(std::string(100, 'x'));
        const char* nowhere = reinterpret_cast<const char*>(16);
        if (send(fd.get(), nowhere, 50, 0) >= 0 || errno != EFAULT) return 2;
        return send_all(fd.get(), text.data(), text.size()) ? 0 : 3;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::vector<std::int64_t> sends;
    for (const IoDone& io : r.of<IoDone>(child.pid()))
        if (io.op == IoOp::send) sends.push_back(io.result);
    EXPECT_EQ(sends, (std::vector<std::int64_t>{-EFAULT, 100}));
    EXPECT_TRUE(r.of<Lost>().empty());
}

}  // namespace
}  // namespace autotune::test
