#include "agent/native/probe_site.hpp"

#include <gtest/gtest.h>

#include "tests/agent/native/bytes.hpp"

namespace autotune::native {
namespace {

ProbeSite site_in(std::initializer_list<int> bytes, LongNops nops = LongNops::emulated) {
    return choose_entry_site(code(bytes), Machine::x86_64, nops);
}

#define EXPECT_SITE(bytes_into, site_kind, ...)      \
    do {                                             \
        const ProbeSite site = site_in(__VA_ARGS__); \
        EXPECT_EQ(site.into, bytes_into);            \
        EXPECT_EQ(site.kind, SiteKind::site_kind);   \
    } while (false)

TEST(ProbeSite, TakesThePushAfterEndbr64) {
    EXPECT_SITE(4u, push, {0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xc3});
}

TEST(ProbeSite, TakesAPushAtTheEntry) {
    EXPECT_SITE(0u, push, {0x55, 0xc3});
    EXPECT_SITE(0u, push, {0x41, 0x57, 0xc3});
}

TEST(ProbeSite, TakesNops) {
    EXPECT_SITE(0u, nop, {0x90, 0xc3});
    EXPECT_SITE(0u, nop5, {0x0f, 0x1f, 0x44, 0x00, 0x00, 0xc3});
    EXPECT_SITE(4u, nop5, {0xf3, 0x0f, 0x1e, 0xfa, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0xc3});
}

TEST(ProbeSite, OldKernelsExecuteLongNopsAlone) {
    EXPECT_SITE(5u, push, {0x0f, 0x1f, 0x44, 0x00, 0x00, 0x55, 0xc3}, LongNops::stepped);
    EXPECT_SITE(0u, stepped, {0x0f, 0x1f, 0x44, 0x00, 0x00, 0xc3}, LongNops::stepped);
}

TEST(ProbeSite, GoesPastHarmlessInstructionsToACheapOne) {
    // xor %eax,%eax; push %rbx
    EXPECT_SITE(2u, push, {0x31, 0xc0, 0x53, 0x5b, 0xc3});
    // test %rdi,%rdi; je +1; ret
    EXPECT_SITE(3u, jump, {0x48, 0x85, 0xff, 0x74, 0x01, 0xc3, 0xc3});
}

TEST(ProbeSite, StaysAtTheEntryBeforeTheStackPointerMovesOrAnArgumentIsLost) {
    EXPECT_SITE(0u, stepped, {0x48, 0x83, 0xec, 0x08, 0x53, 0xc3});  // sub $8,%rsp; push %rbx
    EXPECT_SITE(0u, stepped, {0x31, 0xff, 0x53, 0xc3});              // xor %edi,%edi; push %rbx
}

// The red zone: what the kernel puts in place of the nop would write over it.
TEST(ProbeSite, NeverTakesALongNopBehindAStore) {
    // mov %rdi,-8(%rsp); nopl 0(%rax,%rax,1); mov -8(%rsp),%rax; ret
    EXPECT_SITE(0u, stepped,
                {0x48, 0x89, 0x7c, 0x24, 0xf8, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x48, 0x8b, 0x44, 0x24, 0xf8, 0xc3});
}

// A loop would pass the site once for each of its rounds.
TEST(ProbeSite, NeverTakesAnInstructionThatTheFunctionJumpsBackTo) {
    // xor %eax,%eax; L: test %rdi,%rdi; je out; …; jmp L; out: ret
    EXPECT_SITE(0u, stepped,
                {0x31, 0xc0, 0x48, 0x85, 0xff, 0x74, 0x05, 0x48, 0xff, 0xcf, 0xeb, 0xf6, 0xc3});
    // test %rdi,%rdi; je out; jmp *%rax; out: ret: nobody knows where that goes
    EXPECT_SITE(0u, stepped, {0x48, 0x85, 0xff, 0x74, 0x02, 0xff, 0xe0, 0xc3});
}

TEST(ProbeSite, StaysAtTheEntryOfWhatItCannotRead) {
    EXPECT_SITE(0u, stepped, {0x06, 0x55});
    EXPECT_SITE(0u, stepped, {});
    EXPECT_EQ(choose_entry_site(code({0x55}), Machine::arm64, LongNops::emulated).kind, SiteKind::stepped);
}

// The kernel refuses a probe on `lock`, and with it all those that are attached in the same call.
TEST(ProbeSite, GoesPastAnInstructionThatTheKernelRefuses) {
    EXPECT_SITE(3u, stepped, {0xf0, 0xff, 0x0f, 0x31, 0xc0, 0xc3});  // lock decl (%rdi); xor %eax,%eax; ret
    EXPECT_SITE(0u, stepped, {0xf0, 0xff, 0x0f, 0x75, 0xfb, 0xc3});  // L: lock decl (%rdi); jne L; ret
    const auto loop = code({0xf0, 0xff, 0x0f, 0x75, 0xfb, 0xc3});
    EXPECT_FALSE(takes_probe(loop, 0, Machine::x86_64));
    EXPECT_TRUE(takes_probe(loop, 5, Machine::x86_64));
    EXPECT_TRUE(takes_probe({}, 0, Machine::x86_64)) << "the kernel decides";
}

TEST(ProbeSite, StepsOverALongNopInTheMiddle) {
    const auto bytes = code({0x31, 0xc0, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x90, 0xc3});
    const ProbeSite site = choose_inner_site(bytes, 2, Machine::x86_64, LongNops::emulated);
    EXPECT_EQ(site.into, 7u);
    EXPECT_EQ(site.kind, SiteKind::nop);
}

TEST(ProbeSite, IsFoundInAFileByName) {
    const auto site = find_probe_site(AUTOTUNE_NATIVE_TARGET, "chosen");
    ASSERT_TRUE(site) << site.error().message;
    EXPECT_GT(site->file_offset, 0u);
    if (this_machine() == Machine::x86_64) {
        EXPECT_EQ(site->kind, SiteKind::push);
        EXPECT_EQ(site->into, 4u);
    }
    EXPECT_EQ(find_probe_site(AUTOTUNE_NATIVE_TARGET, "chos*").error().code, Errc::not_found) << "no glob";
}

}  // namespace
}  // namespace autotune::native
