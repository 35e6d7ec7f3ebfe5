#include <random>

#include "tests/agent/bpf/unit/records.hpp"

namespace autotune::test {
namespace {

const std::string kAnswer =
    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: abc-1\r\nLambda-Runtime-Deadline-Ms: 5000\r\n"
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:r:1:function:orders:live\r\n"
    "Lambda-Runtime-Trace-Id: Root=1\r\nContent-Length: 2\r\n\r\n{}";
constexpr std::string_view kNext = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n";

class InvocationRecords : public Decoding {};

TEST_F(InvocationRecords, MakeTheLifeOfAnInvocation) {
    decoder.set_wall_offset(std::chrono::seconds(2));
    feed(request_record({}, kNext, 1'000'000));
    feed(answer_record({}, kAnswer, 0, 2'000'000));
    feed(request_record(
        {}, "POST /2018-06-01/runtime/invocation/abc-1/response HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        7'000'000));
    ASSERT_EQ(of<ExecutorSeen>().size(), 1u);  // nobody knew it before
    ASSERT_EQ(of<ExecutorReady>().size(), 1u);
    EXPECT_EQ(of<ExecutorReady>()[0].usage.memory_peak, 14u);
    ASSERT_EQ(of<InvocationStarted>().size(), 1u);
    const auto started = of<InvocationStarted>()[0];
    EXPECT_EQ(started.id.view(), "abc-1");
    EXPECT_EQ(text(started.function), "orders");
    EXPECT_EQ(text(started.qualifier), "live");
    EXPECT_EQ(text(started.trace_id), "Root=1");
    EXPECT_EQ(started.request_bytes, 2u);
    EXPECT_EQ(started.time_limit, std::chrono::milliseconds(2998));  // 5 s - (2 s + 2 ms)
    ASSERT_EQ(of<InvocationEnded>().size(), 1u);
    EXPECT_EQ(of<InvocationEnded>()[0].response_bytes, 9u);
    EXPECT_EQ(of<InvocationEnded>()[0].usage.cpu_ns, 11u);
}

TEST_F(InvocationRecords, OfAHeldOneSaySoAndKnowItsOwnTime) {
    std::string held = kAnswer;
    held.insert(held.find("Lambda-Runtime-Invoked"), "Autotune-Held: 3000\r\n");
    feed(request_record({}, kNext, 1'000'000));
    feed(answer_record({}, kAnswer, 0, 2'000'000));
    feed(request_record({}, kNext, 3'000'000));
    feed(answer_record({}, held, 0, 4'000'000));
    ASSERT_EQ(of<InvocationStarted>().size(), 2u);
    EXPECT_FALSE(of<InvocationStarted>()[0].held);
    EXPECT_TRUE(of<InvocationStarted>()[1].held);
    EXPECT_EQ(of<InvocationStarted>()[1].time_limit, std::chrono::seconds(3)) << "what was told includes the hold";
}

TEST_F(InvocationRecords, TellTheBirthOfAnExecutorThatWasNotWatchedBefore) {
    feed(request_record({.start_ns = 400'000}, kNext, 1'000'000));
    feed(request_record({.start_ns = 400'000}, kNext, 3'000'000));
    ASSERT_EQ(of<ProcessStarted>().size(), 1u);
    EXPECT_TRUE(std::holds_alternative<ProcessStarted>(batch.events.front().body));
    EXPECT_EQ(batch.events.front().at, from_ns(400'000));
}

TEST_F(InvocationRecords, TellNoBirthFromTheFuture) {
    feed(request_record({.start_ns = 9'000'000}, kNext, 1'000'000));  // the machine was suspended
    EXPECT_EQ(batch.events.front().at, from_ns(1'000'000));
}

TEST_F(InvocationRecords, PutAHeadTogetherThatArrivesByteByByte) {
    feed(request_record({}, kNext));
    for (std::uint32_t i = 0; i < kAnswer.size(); ++i)
        feed(answer_record({}, std::string_view(kAnswer).substr(i, 1), i, 4000 + i));
    ASSERT_EQ(of<InvocationStarted>().size(), 1u);
    EXPECT_EQ(of<InvocationStarted>()[0].request_bytes, 2u);
    EXPECT_EQ(of<InvocationStarted>()[0].usage.cpu_ns, 4000u);  // when the work arrived
    EXPECT_EQ(batch.events.back().at, from_ns(4000));
}

TEST_F(InvocationRecords, TakeAHeadThatIsTooLongAsFarAsItWasCopied) {
    std::string head = kAnswer.substr(0, kAnswer.size() - 4) + "X: " + std::string(2000, 'x') + "\r\n\r\n";
    feed(request_record({}, kNext));
    feed(answer_record({}, head, 0));
    ASSERT_EQ(of<InvocationStarted>().size(), 1u);
    EXPECT_EQ(of<InvocationStarted>()[0].id.view(), "abc-1");
}

TEST_F(InvocationRecords, StartNothingOnAnErrorOrInTheMiddle) {
    feed(request_record({}, kNext));
    feed(answer_record({}, "HTTP/1.1 500 Oops\r\n\r\n", 0));
    feed(answer_record({}, kAnswer, 17));
    EXPECT_TRUE(of<InvocationStarted>().empty());
}

TEST_F(InvocationRecords, WithADeadlineThatHasPassedHaveNoTimeLimit) {
    decoder.set_wall_offset(std::chrono::hours(1));
    feed(request_record({}, kNext));
    feed(answer_record({}, kAnswer, 0));
    EXPECT_EQ(of<InvocationStarted>()[0].time_limit, Nanos(0));
}

TEST_F(InvocationRecords, TellTheKindOfAnError) {
    feed(request_record({},
                        "POST /2018-06-01/runtime/invocation/abc-1/error HTTP/1.1\r\n"
                        "Lambda-Runtime-Function-Error-Type: Runtime.X\r\nContent-Length: 3\r\n\r\n"));
    ASSERT_EQ(of<InvocationEnded>().size(), 1u);
    EXPECT_EQ(of<InvocationEnded>()[0].kind, EndKind::error);
    EXPECT_EQ(text(of<InvocationEnded>()[0].error_type), "Runtime.X");
}

// Any bytes of a kind's size are survived: lengths and offsets inside lie.
TEST_F(InvocationRecords, SurviveGarbageOfTheRightSize) {
    std::mt19937 random(4711);
    const std::pair<at_kind, std::size_t> kinds[] = {{AT_FORK, sizeof(at_fork_record)},
                                                     {AT_EXEC, sizeof(at_exec_record)},
                                                     {AT_EXIT, sizeof(at_exit_record)},
                                                     {AT_OOM, sizeof(at_oom_record)},
                                                     {AT_IO, sizeof(at_io_record)},
                                                     {AT_IO_PATH, sizeof(at_io_path_record)},
                                                     {AT_EXISTING, sizeof(at_existing_record)},
                                                     {AT_REQUEST_HEAD, sizeof(at_request_head_record)},
                                                     {AT_ANSWER_PART, sizeof(at_answer_part_record)},
                                                     {AT_FD_CHANGE, sizeof(at_fd_change_record)}};
    for (int round = 0; round < 300; ++round) {
        for (const auto& [kind, size] : kinds) {
            std::vector<std::byte> bytes(size);
            for (std::byte& b : bytes) b = static_cast<std::byte>(random());
            const at_header h = header_of(kind, size, {.tgid = static_cast<int>(random() % 4)}, random());
            std::memcpy(bytes.data(), &h, sizeof h);
            EXPECT_TRUE(decoder.decode(bytes, batch));
        }
    }
}

}  // namespace
}  // namespace autotune::test
