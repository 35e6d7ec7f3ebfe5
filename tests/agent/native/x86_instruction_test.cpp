#include "agent/native/x86_instruction.hpp"

#include <gtest/gtest.h>

#include "agent/native/program_file.hpp"
#include "tests/agent/native/bytes.hpp"

namespace autotune::native {
namespace {

int length(std::initializer_list<int> bytes) {
    const auto i = decode_x86(code(bytes));
    return i ? i->length : 0;
}

TEST(X86Instruction, KnowsHowLongEachFormIs) {
    EXPECT_EQ(length({0x90}), 1);
    EXPECT_EQ(length({0xf3, 0x0f, 0x1e, 0xfa}), 4);                                     // endbr64
    EXPECT_EQ(length({0x41, 0x57}), 2);                                                 // push %r15
    EXPECT_EQ(length({0x0f, 0x1f, 0x44, 0x00, 0x00}), 5);                               // nopl 0(%rax,%rax,1)
    EXPECT_EQ(length({0x48, 0x8b, 0x04, 0x25, 1, 2, 3, 4}), 8);                         // mov abs32,%rax
    EXPECT_EQ(length({0x48, 0x8d, 0x05, 1, 2, 3, 4}), 7);                               // lea rel(%rip),%rax
    EXPECT_EQ(length({0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}), 10);                        // movabs
    EXPECT_EQ(length({0x66, 0xb8, 1, 2}), 4);                                           // mov $imm16,%ax
    EXPECT_EQ(length({0xf6, 0xc1, 1}), 3);                                              // test $1,%cl
    EXPECT_EQ(length({0xf6, 0xd9}), 2);                                                 // neg %cl
    EXPECT_EQ(length({0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8}), 6);                            // palignr
    EXPECT_EQ(length({0xc5, 0xf8, 0x77}), 3);                                           // vzeroupper
    EXPECT_EQ(length({0xc4, 0xe3, 0x7d, 0x46, 0xc1, 0x20}), 6);                         // vperm2i128
    EXPECT_EQ(length({0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x46, 1}), 7);                      // vmovdqu64 64(%rsi)
    EXPECT_EQ(length({0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}), 11);         // data16 cs nopw
    EXPECT_EQ(length({0x66, 0x48, 0xe8, 0, 0, 0, 0}), 7);                               // data16 rex.W call
}

// On 6.18 with a probe on vpbroadcastb or vpor the program runs on somewhere else: it executes them as jp and jmp.
TEST(X86Instruction, KnowsWhatNoProbeMayBePutOn) {
    const auto takes = [](std::initializer_list<int> bytes) { return decode_x86(code(bytes))->is_probeable; };
    EXPECT_FALSE(takes({0x62, 0xe2, 0x7d, 0x48, 0x7a, 0xc6}));  // vpbroadcastb %esi,%zmm16
    EXPECT_FALSE(takes({0xc5, 0xf9, 0xeb, 0xc0}));              // vpor %xmm0,%xmm0,%xmm0
    EXPECT_FALSE(takes({0xc5, 0xf8, 0x77}));                    // vzeroupper
    EXPECT_FALSE(takes({0xf0, 0xff, 0x0f}));                    // lock decl (%rdi)
    EXPECT_FALSE(takes({0xf4}));                                // hlt
    EXPECT_TRUE(takes({0x66, 0x0f, 0xef, 0xc0}));               // pxor %xmm0,%xmm0
    EXPECT_TRUE(takes({0xf3, 0x0f, 0x1e, 0xfa}));               // endbr64
}

TEST(X86Instruction, RefusesWhatIsNoInstructionOrIsCut) {
    EXPECT_EQ(length({}), 0);
    EXPECT_EQ(length({0x06}), 0);  // push %es: not in 64-bit code
    EXPECT_EQ(length({0x48}), 0);
    EXPECT_EQ(length({0x0f, 0x1f, 0x44, 0x00}), 0);
    EXPECT_EQ(length({0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                      0x90}),
              0);
}

TEST(X86Instruction, KnowsWhereItGoes) {
    const auto backwards = decode_x86(code({0x75, 0xf0}));
    ASSERT_TRUE(backwards);
    EXPECT_EQ(backwards->flow, Flow::branch);
    EXPECT_EQ(backwards->displacement, -16);
    const auto away = decode_x86(code({0xe9, 0x00, 0x01, 0x00, 0x00}));
    ASSERT_TRUE(away);
    EXPECT_EQ(away->flow, Flow::jump);
    EXPECT_EQ(away->displacement, 256);
    EXPECT_EQ(decode_x86(code({0xc3}))->flow, Flow::leave);
    EXPECT_EQ(decode_x86(code({0xf3, 0xc3}))->flow, Flow::leave);
    EXPECT_EQ(decode_x86(code({0xff, 0xe0}))->flow, Flow::indirect_jump);
    EXPECT_TRUE(decode_x86(code({0x3e, 0xff, 0xe0}))->has_notrack);
    EXPECT_EQ(decode_x86(code({0xff, 0x15, 0, 0, 0, 0}))->flow, Flow::indirect_call);
    EXPECT_EQ(decode_x86(code({0x0f, 0x0b}))->flow, Flow::trap);
}

TEST(X86Instruction, KnowsWhatLeavesArgumentsAndTheStackPointerAlone) {
    EXPECT_TRUE(decode_x86(code({0x48, 0x89, 0xf8}))->is_harmless);        // mov %rdi,%rax
    EXPECT_FALSE(decode_x86(code({0x48, 0x89, 0xc7}))->is_harmless);       // mov %rax,%rdi
    EXPECT_TRUE(decode_x86(code({0x31, 0xc0}))->is_harmless);              // xor %eax,%eax
    EXPECT_FALSE(decode_x86(code({0x31, 0xd2}))->is_harmless);             // xor %edx,%edx
    EXPECT_TRUE(decode_x86(code({0x85, 0xff}))->is_harmless);              // test %edi,%edi
    EXPECT_TRUE(decode_x86(code({0x48, 0x83, 0xfe, 8}))->is_harmless);     // cmp $8,%rsi
    EXPECT_FALSE(decode_x86(code({0x48, 0x83, 0xec, 8}))->is_harmless);    // sub $8,%rsp
    EXPECT_FALSE(decode_x86(code({0x48, 0x89, 0xe5}))->is_harmless);       // mov %rsp,%rbp
    EXPECT_FALSE(decode_x86(code({0xb5, 1}))->is_harmless);                // mov $1,%ch
    EXPECT_TRUE(decode_x86(code({0x48, 0x89, 0x7c, 0x24, 0xf8}))->writes_memory);  // mov %rdi,-8(%rsp)
}

// Whoever decodes a compiler's function from its start must come to its end exactly.
TEST(X86Instruction, WalksWholeFunctionsToTheirEnd) {
    const auto file = ProgramFile::open("/proc/self/exe");
    ASSERT_TRUE(file) << file.error().message;
    const auto functions = file->find("*autotune*");
    ASSERT_TRUE(functions) << functions.error().message;
    ASSERT_GT(functions->size(), 100u);
    if (this_machine() != Machine::x86_64) GTEST_SKIP() << "its code is not x86-64";
    for (const ProgramFunction& f : *functions) {
        const auto bytes = file->code(f);
        std::size_t at = 0;
        while (at < bytes.size()) {
            const auto i = decode_x86(std::span(bytes).subspan(at));
            ASSERT_TRUE(i) << f.name << " + " << at;
            at += i->length;
        }
        EXPECT_EQ(at, bytes.size()) << f.name;
    }
}

}  // namespace
}  // namespace autotune::native
