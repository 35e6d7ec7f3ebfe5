#include "agent/bpf/libbpf_log.hpp"

#include <bpf/libbpf.h>
#include <gmock/gmock.h>

#include <array>
#include <cerrno>

namespace autotune {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kRefused =
    "libbpf: prog 'at_native_entry': BPF program load failed: Permission denied\n"
    "libbpf: prog 'at_native_entry': -- BEGIN PROG LOAD LOG --\n"
    "; if (sums) {\n"
    "42: (79) r1 = *(u64 *)(r0 +0)\n"
    "R0 invalid mem access 'scalar'\n"
    "processed 43 insns (limit 1000000) max_states_per_insn 0 total_states 3 peak_states 3 mark_read 1\n"
    "-- END PROG LOAD LOG --\n"
    "libbpf: failed to load object 'calls'\n";

TEST(LibbpfLog, FindsWhyTheVerifierRefused) {
    EXPECT_EQ(verifier_reason(kRefused), "R0 invalid mem access 'scalar'");
    const std::string_view tail = kRefused.substr(kRefused.find("R0 invalid"));
    EXPECT_EQ(verifier_reason(tail), "R0 invalid mem access 'scalar'") << "the beginning was not kept";
    EXPECT_EQ(verifier_reason("-- END PROG LOAD LOG --"), "it does not say why");
    EXPECT_EQ(verifier_reason("libbpf: failed to find valid kernel BTF\n"), "");
    EXPECT_EQ(verifier_reason(""), "");
}

// The verifier says EACCES as well: whoever is told to become root would not be helped.
TEST(LibbpfLog, TellsTheVerifierFromMissingPermissions) {
    const LibbpfLog nothing;
    EXPECT_THAT(nothing.explain("loading", EACCES).message, Not(HasSubstr("verifier")));
    EXPECT_EQ(nothing.explain("loading", EACCES).code, Errc::permission_denied);
}

// A file that is no object makes libbpf speak.
TEST(LibbpfLog, KeepsWhatLibbpfSays) {
    const LibbpfLog log;
    const std::array<char, 64> no_object{};
    EXPECT_EQ(bpf_object__open_mem(no_object.data(), no_object.size(), nullptr), nullptr);
    EXPECT_THAT(log.explain("opening", EINVAL).message, HasSubstr("libbpf: "));
}

}  // namespace
}  // namespace autotune
