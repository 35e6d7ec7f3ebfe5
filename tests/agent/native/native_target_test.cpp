#include "agent/native/native_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/native/call_meter.hpp"
#include "agent/native/exit_sites.hpp"
#include "tests/agent/native/bytes.hpp"

namespace autotune::native {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NativeTarget, IsAFunctionOfABinary) {
    const auto t = parse_native_target(" ./app:ns::handle_* ");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->binary, "./app");
    EXPECT_EQ(t->glob, "ns::handle_*");
    EXPECT_TRUE(t->values.empty());
}

TEST(NativeTarget, IsAFileAndALine) {
    const auto t = parse_native_target("app:src/a.c:42");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->file, "src/a.c");
    EXPECT_EQ(t->line, 42u);
    EXPECT_TRUE(t->glob.empty());
}

TEST(NativeTarget, MayAskForArguments) {
    const auto t = parse_native_target("app:send(arg1, str arg2)");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->glob, "send");
    ASSERT_EQ(t->values.size(), 2u);
    EXPECT_EQ(t->values[1].argument, 2u);
    EXPECT_EQ(t->values[1].type, ValueType::text);
}

TEST(NativeTarget, KeepsTheParametersOfACppFunction) {
    EXPECT_EQ(parse_native_target("app:f(int, char*)")->glob, "f(int, char*)");
}

TEST(NativeTarget, SaysWhatIsWrong) {
    EXPECT_THAT(parse_native_target("main").error().message, HasSubstr("BIN:FUNCTION"));
    EXPECT_THAT(parse_native_target("app:f(arg9)").error().message, HasSubstr("arg1 to arg6"));
    EXPECT_THAT(parse_native_watch("app:f").error().message, HasSubstr("what to watch"));
    EXPECT_THAT(parse_native_watch("app:f float x").error().message, HasSubstr("no type"));
}

TEST(NativeTarget, WatchesVariables) {
    const auto t = parse_native_watch("app:a.c:7 uint queued, arg1");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->line, 7u);
    EXPECT_EQ(t->values[0].variable, "queued");
    EXPECT_EQ(t->values[0].type, ValueType::u32);
    EXPECT_EQ(t->values[1].argument, 1u);
}

TEST(ExitSites, AreReturnsAndJumpsOutOfTheFunction) {
    const auto sites =
        find_exit_sites(code({0x74, 0x01, 0xc3, 0xe9, 0, 1, 0, 0}));  // je +1; ret; jmp far away
    ASSERT_TRUE(sites);
    EXPECT_THAT(sites->into, ElementsAre(2u, 3u));
    EXPECT_FALSE(find_exit_sites(code({0xff, 0xe0}))) << "jmp *%rax: nobody can tell";
    EXPECT_FALSE(find_exit_sites(code({0xe8, 0})));
}

TEST(PlainLeaf, CallsNothingAndStaysOnItsStack) {
    EXPECT_TRUE(is_plain_leaf(code({0x55, 0x48, 0x89, 0xe5, 0x89, 0xf8, 0x5d, 0xc3})));  // push, mov %rsp,%rbp, …, ret
    EXPECT_TRUE(is_plain_leaf(code({0x48, 0x83, 0xec, 0x08, 0x48, 0x83, 0xc4, 0x08, 0xc3})));
    EXPECT_TRUE(is_plain_leaf(code({0x49, 0x89, 0xc4, 0xc3})));                      // mov %rax,%r12
    EXPECT_TRUE(is_plain_leaf(code({0x85, 0xff, 0x74, 0x01, 0x90, 0xc3})));          // a branch inside
    EXPECT_FALSE(is_plain_leaf(code({0xe8, 0, 0, 0, 0, 0xc3}))) << "calls";
    EXPECT_FALSE(is_plain_leaf(code({0xff, 0xd0, 0xc3}))) << "calls somebody";
    EXPECT_FALSE(is_plain_leaf(code({0xe9, 0, 1, 0, 0}))) << "goes on elsewhere";
    EXPECT_FALSE(is_plain_leaf(code({0x3e, 0xff, 0xe0}))) << "through a table";
    EXPECT_FALSE(is_plain_leaf(code({0x0f, 0x05, 0xc3}))) << "enters the kernel";
    EXPECT_FALSE(is_plain_leaf(code({0x48, 0x89, 0xf4, 0xc3}))) << "mov %rsi,%rsp";
    EXPECT_FALSE(is_plain_leaf(code({0x48, 0x8b, 0x26, 0xc3}))) << "mov (%rsi),%rsp";
    EXPECT_FALSE(is_plain_leaf(code({0x48, 0x94, 0xc3}))) << "xchg %rax,%rsp";
    EXPECT_FALSE(is_plain_leaf(code({0x5c, 0xc3}))) << "pop %rsp";
    EXPECT_FALSE(is_plain_leaf(code({0x06}))) << "no code";
    EXPECT_FALSE(is_plain_leaf({}));
}

TEST(CallMeter, TellsWhatIsNew) {
    CallMeter meter;
    const at_call_key key{.process_start_ns = 1, .tgid = 2, .tid = 3, .function = 4, .caller = 5};
    EXPECT_EQ(meter.fresh(key, {.calls = 3, .total_ns = 30, .self_ns = 20})->calls, 3u);
    EXPECT_FALSE(meter.fresh(key, {.calls = 3, .total_ns = 30, .self_ns = 20}));
    EXPECT_EQ(meter.fresh(key, {.calls = 5, .total_ns = 44, .self_ns = 20})->total_ns, 14u);
    meter.forget(key);
    EXPECT_EQ(meter.fresh(key, {.calls = 1})->calls, 1u);
}

}  // namespace
}  // namespace autotune::native
