#include "agent/ptrace/trace_filter.hpp"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <bit>
#include <cstddef>

namespace autotune::ptrace {
namespace {

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kIfAtLeast = BPF_JMP | BPF_JGE | BPF_K;
constexpr std::uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
constexpr std::uint32_t kX32Bit = 0x40000000;

sock_filter load(std::size_t offset) { return BPF_STMT(kLoad, static_cast<std::uint32_t>(offset)); }
sock_filter answer(std::uint32_t action) { return BPF_STMT(kReturn, action); }
sock_filter unless_equal(std::uint32_t value, std::size_t skip) {
    return BPF_JUMP(kIfEqual, value, 0, static_cast<std::uint8_t>(skip));
}

// The low half of a 64-bit argument.
std::size_t offset_of(std::uint8_t argument) {
    constexpr std::size_t low = std::endian::native == std::endian::little ? 0 : sizeof(std::uint32_t);
    return offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t) + low;
}

// What is asked of a call once its number is known; always ends in an answer.
std::vector<sock_filter> decide(const WantedCall& call) {
    if (!call.only_if) return {answer(SECCOMP_RET_TRACE)};
    const ArgumentTest& test = *call.only_if;
    std::vector<sock_filter> code{load(offset_of(test.argument)), BPF_STMT(kAnd, test.mask)};
    for (const std::uint32_t value : test.values) {
        code.push_back(unless_equal(value, 1));
        code.push_back(answer(SECCOMP_RET_TRACE));
    }
    code.push_back(answer(SECCOMP_RET_ALLOW));
    return code;
}

}  // namespace

std::uint32_t native_architecture() {
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    return AUDIT_ARCH_AARCH64;
#else
#error "no system calls known for this architecture"
#endif
}

std::vector<sock_filter> trace_filter(std::span<const WantedCall> calls, Unlisted others) {
    std::vector<sock_filter> code{load(offsetof(seccomp_data, arch)), unless_equal(native_architecture(), 1),
                                  BPF_STMT(BPF_JMP | BPF_JA, 1), answer(SECCOMP_RET_TRACE),
                                  load(offsetof(seccomp_data, nr))};
#if defined(__x86_64__)
    code.push_back(BPF_JUMP(kIfAtLeast, kX32Bit, 0, 1));
    code.push_back(answer(SECCOMP_RET_TRACE));
#endif
    for (const WantedCall& call : calls) {
        const auto then = decide(call);
        code.push_back(unless_equal(call.number, then.size()));
        code.insert(code.end(), then.begin(), then.end());
    }
    code.push_back(answer(others == Unlisted::stop ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW));
    return code;
}

std::vector<sock_filter> trace_filter(const WantedCalls& wanted) {
    // With every call wanted, an argument only tells what more there is to tell of it.
    if (wanted.every_call()) return trace_filter({}, Unlisted::stop);
    return trace_filter(wanted.calls(), Unlisted::pass);
}

}  // namespace autotune::ptrace
