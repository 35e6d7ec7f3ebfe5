#include "agent/native/return_probes.hpp"

#include <gtest/gtest.h>

namespace autotune::native {
namespace {

TEST(ReturnProbes, AreNotPutWhereTheReturnAddressIsKeptOrReplaced) {
    for (const char* name : {"setjmp", "_setjmp", "__sigsetjmp", "vfork", "__vfork", "swapcontext", "execve", "execl",
                             "__cxa_throw", "_Unwind_RaiseException", "_Unwind_Resume"})
        EXPECT_EQ(end_rule(name).rule, EndRule::exit_sites) << name;
    for (const char* name : {"longjmp", "siglongjmp", "____longjmp_chk", "exit", "_exit", "_Exit", "pthread_exit",
                             "__pthread_unwind", "_start", "_dl_runtime_resolve_xsavec"})
        EXPECT_EQ(end_rule(name).rule, EndRule::entry_alone) << name;
}

TEST(ReturnProbes, ArePutOnEverythingElse) {
    for (const char* name : {"main", "start", "exit_code", "fork", "Unwind_it", "execute", "___", "",
                             "_ZN3app5startEv"})
        EXPECT_EQ(end_rule(name).rule, EndRule::return_probe) << name;
}

TEST(ReturnProbes, AreNotUsedInFilesThatExceptionsPass) {
    const auto plain = ProgramFile::open(AUTOTUNE_NATIVE_TARGET);
    ASSERT_TRUE(plain);
    EXPECT_EQ(end_rule(*plain).rule, EndRule::return_probe);
    // This test itself.
    const auto throwing = ProgramFile::open("/proc/self/exe");
    ASSERT_TRUE(throwing);
    EXPECT_EQ(end_rule(*throwing).rule, EndRule::exit_sites);
    EXPECT_FALSE(end_rule(*throwing).because.empty());
}

}  // namespace
}  // namespace autotune::native
