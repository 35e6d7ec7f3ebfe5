// Executors that write the head of a request in several sends.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

constexpr std::string_view kNext = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
using Cuts = std::vector<std::size_t>;  // where one send ends and the next begins
const std::vector<Cuts> kRequests = {
    {28},          // in the path: "…/invo"
    {50},          // after the request line
    {12, 24, 60},  // in many places
    {39},          // before the version
    {43},          // in the version
    {},
};

class BpfSplitRequests : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static bool send_cut(int fd, std::string_view text, const Cuts& cuts) {
        std::size_t from = 0;
        for (const std::size_t cut : cuts) {
            if (!send_all(fd, text.data() + from, cut - from)) return false;
            from = cut;
        }
        return send_all(fd, text.data() + from, text.size() - from);
    }
    // One invocation a request on one connection, the answer's head cut in its path too.
    static int execute(std::uint16_t port) {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        const std::string next(kNext);
        for (std::size_t i = 0; i < kRequests.size(); ++i) {
            if (!send_cut(fd.get(), next, kRequests[i])) return 2;
            if (!read_until(fd.get(), "\r\n\r\n{}")) return 3;
            const std::string post = "POST /2018-06-01/runtime/invocation/id-" + std::to_string(i) +
                                     "/response HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
            if (!send_cut(fd.get(), post, {30}) || !send_all(fd.get(), "12345")) return 4;
            if (!read_until(fd.get(), "\n")) return 5;
        }
        return 0;
    }
    static void expect_all(const std::vector<std::string>& focus, const OwnCgroup& cgroup) {
        Recorder r(focus);
        std::vector<FakeInvocation> work;
        for (std::size_t i = 0; i < kRequests.size(); ++i)
            work.push_back({.id = "id-" + std::to_string(i), .payload = "{}"});
        FakeRuntimeApi api(work, 1);
        WatchedChild child(cgroup, [&] { return execute(api.port()); });
        EXPECT_EQ(child.wait(), 0);
        ASSERT_TRUE(r.poll_until_exit(child.pid()));
        EXPECT_EQ(r.of<ExecutorReady>(child.pid()).size(), kRequests.size());
        const auto started = r.of<InvocationStarted>(child.pid());
        const auto ended = r.of<InvocationEnded>(child.pid());
        ASSERT_EQ(started.size(), kRequests.size());
        ASSERT_EQ(ended.size(), kRequests.size());
        for (std::size_t i = 0; i < kRequests.size(); ++i) {
            EXPECT_EQ(started[i].id.view(), work[i].id);
            EXPECT_EQ(ended[i].id.view(), work[i].id);
            EXPECT_EQ(ended[i].response_bytes, 5u);
        }
        for (const IoDone& io : r.of<IoDone>(child.pid())) EXPECT_NE(io.op, IoOp::send);
    }
};

TEST_F(BpfSplitRequests, AreHeardWhereverTheyAreCut) {
    const OwnCgroup cgroup("cut");
    expect_all({cgroup.path()}, cgroup);
}

TEST_F(BpfSplitRequests, GiveAwayAnExecutorThatNobodyNamed) {
    const OwnCgroup cgroup("cut-unnamed");
    expect_all({}, cgroup);
}

}  // namespace
}  // namespace autotune::test
