// The small pure pieces of the BPF source.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <filesystem>
#include <string>

#include "agent/bpf/executor_environment.hpp"
#include "agent/bpf/fd_table.hpp"
#include "agent/bpf/loss_meter.hpp"
#include "agent/bpf/syscall_table.hpp"

namespace autotune {
namespace {

using namespace std::string_literals;

TEST(ExecutorEnvironment, IsReadFromLambdasVariables) {
    const auto e = parse_executor_environment(
        "PATH=/bin\0AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001\0AWS_LAMBDA_FUNCTION_NAME=orders\0"
        "AWS_LAMBDA_FUNCTION_VERSION=$LATEST\0AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512\0"
        "AWS_EXECUTION_ENV=AWS_Lambda_python3.11\0"s);
    ASSERT_TRUE(e);
    EXPECT_EQ(e->function, "orders");
    EXPECT_EQ(e->version, "$LATEST");
    EXPECT_EQ(e->runtime, "python3.11");
    EXPECT_EQ(e->memory_mb, 512u);
    EXPECT_EQ(e->runtime_api, ipv4_endpoint(127, 0, 0, 1, 9001));
}

TEST(ExecutorEnvironment, IsNoneWithoutARuntimeApi) {
    EXPECT_FALSE(parse_executor_environment("AWS_LAMBDA_FUNCTION_NAME=orders\0"s));
    EXPECT_FALSE(parse_executor_environment(""));
    EXPECT_FALSE(parse_executor_environment("\0\0\0"s));
}

TEST(ExecutorEnvironment, TakesWhatItCan) {
    const auto e = parse_executor_environment(
        "AWS_LAMBDA_RUNTIME_API=localhost:99\0AWS_LAMBDA_FUNCTION_MEMORY_SIZE=lots\0cut"s);
    ASSERT_TRUE(e);
    EXPECT_EQ(e->memory_mb, 0u);
    EXPECT_EQ(e->runtime_api, ipv4_endpoint(127, 0, 0, 1, 99));
    EXPECT_FALSE(parse_executor_environment("AWS_LAMBDA_RUNTIME_API=x:99999\0"s)->runtime_api.known());
}

TEST(FdTable, ClosingABackwardRangeChangesNothing) {
    FdTable t;
    t.opened(3, StringId(30));
    t.opened(5, StringId(50));
    t.closed(5, 3);
    EXPECT_EQ(t.find(3), StringId(30));
    EXPECT_EQ(t.find(5), StringId(50));
}

TEST(FdTable, FollowsOpenDupAndClose) {
    FdTable t;
    t.opened(3, StringId(30));
    t.duplicated(3, 9);
    EXPECT_EQ(t.find(9), StringId(30));
    t.closed(3, 3);
    EXPECT_EQ(t.find(3), std::nullopt);
    EXPECT_EQ(t.find(9), StringId(30));
    t.duplicated(3, 9);  // of something unknown
    EXPECT_EQ(t.find(9), std::nullopt);
    for (int fd = 0; fd < 10; ++fd) t.opened(fd, StringId(1));
    t.closed(2, 7);
    EXPECT_TRUE(t.find(1) && !t.find(2) && !t.find(7) && t.find(8));
}

TEST(LossMeter, TellsOnlyWhatIsNew) {
    LossMeter meter;
    std::vector<at_counts> cpus(2);
    EXPECT_TRUE(meter.update(cpus).empty());
    cpus[0].attempted[AT_IO] = 10;
    cpus[1].attempted[AT_EXIT] = 1;
    cpus[0].ring_full[AT_IO] = 3;
    cpus[1].ring_full[AT_EXIT] = 1;
    cpus[1].state_full = 2;
    const auto first = meter.update(cpus);
    ASSERT_EQ(first.size(), 2u);
    EXPECT_EQ(first[0].kind, LossKind::ring_full);
    EXPECT_EQ(first[0].count, 4u);
    EXPECT_EQ(first[1].kind, LossKind::state_map_full);
    EXPECT_EQ(first[1].count, 2u);
    EXPECT_EQ(meter.attempted(), 11u);
    EXPECT_TRUE(meter.update(cpus).empty());
    cpus[0].read_failed = 1;
    const auto second = meter.update(cpus);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].kind, LossKind::read_failed);
    cpus[0].shed = 70;
    EXPECT_EQ(meter.update(cpus).at(0).kind, LossKind::shed);
}

TEST(SyscallTable, KnowsTheNumbersOfThisArchitecture) {
    const auto table = syscall_table();
    EXPECT_EQ(table[SYS_write], AT_CALL_WRITE);
    EXPECT_EQ(table[SYS_recvmmsg], AT_CALL_RECVMMSG);
    EXPECT_EQ(table[SYS_openat2], AT_CALL_OPENAT);
    EXPECT_EQ(table[SYS_fdatasync], AT_CALL_SYNC);
    EXPECT_EQ(table[SYS_getpid], AT_CALL_NONE);
}

}  // namespace
}  // namespace autotune
