#include "agent/ptrace/refusal.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace autotune::ptrace {
namespace {

RefusalFacts facts_of_user(uid_t owner) {
    const std::string id = std::to_string(owner);
    return {.pid = 42,
            .status = "Name:\tx\nTracerPid:\t0\nUid:\t" + id + "\t" + id + "\nVmSize:\t 10 kB\n",
            .yama_scope = "0",
            .our_user = 1000};
}

TEST(Refusal, OfAProcessThatHasGoneSaysSo) {
    const Error error = explain_refusal(RefusalFacts{.pid = 42, .our_user = 1000}, EPERM);
    EXPECT_EQ(error.code, Errc::not_found);
    EXPECT_EQ(error.message, "there is no process 42");
    EXPECT_EQ(explain_refusal(facts_of_user(1000), ESRCH).code, Errc::not_found);
}

TEST(Refusal, NamesTheOtherUser) {
    const Error error = explain_refusal(facts_of_user(7), EPERM);
    EXPECT_EQ(error.code, Errc::permission_denied);
    EXPECT_EQ(error.message, "process 42 cannot be traced: it belongs to user 7, this is user 1000; run as root");
}

TEST(Refusal, NamesTheTracerThatWasThereFirst) {
    RefusalFacts facts = facts_of_user(1000);
    facts.status.replace(facts.status.find("TracerPid:\t0"), 12, "TracerPid:\t9");
    EXPECT_EQ(explain_refusal(facts, EPERM).message, "process 42 cannot be traced: process 9 traces it already");
}

TEST(Refusal, SaysWhatYamaWants) {
    RefusalFacts facts = facts_of_user(1000);
    for (const auto& [scope, says] : {std::pair{"1", "only a parent"}, {"2", "CAP_SYS_PTRACE"}, {"3", "altogether"}}) {
        facts.yama_scope = scope;
        EXPECT_NE(explain_refusal(facts, EPERM).message.find(says), std::string::npos) << scope;
    }
}

TEST(Refusal, OfAKernelThreadSaysSo) {
    RefusalFacts facts = facts_of_user(0);
    facts.status = "Name:\tkworker\nUid:\t0\n";
    EXPECT_NE(explain_refusal(facts, EPERM).message.find("kernel thread"), std::string::npos);
}

TEST(Refusal, IsOneLine) {
    for (const int error : {EPERM, EACCES, ESRCH, EIO})
        EXPECT_EQ(explain_refusal(facts_of_user(7), error).message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace autotune::ptrace
