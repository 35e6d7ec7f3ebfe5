// Which system calls the ptrace source stops at, and what each is to it. Pure.
//
// A stop costs the traced program tens of microseconds, so a call is wanted only where something is told of
// it; where an argument decides (fcntl duplicates or does not), that argument is asked by the filter in the
// kernel, before any stop.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/logic/calls.h"
#include "bpf/logic/off_cpu.h"
#include "core/event_source.hpp"

namespace autotune::ptrace {

enum class CallKind : std::uint8_t {
    other,         // only its number, time and result
    io,            // at_call says which
    execute,       // execve: the path, as the program gives it
    clone_flags,   // clone with CLONE_UNTRACED: the child would have our filter and no tracer
    clone3,        // the same, its flags being in memory
    socket_error,  // getsockopt(SO_ERROR): how a connect ended that had answered EINPROGRESS
    wait,          // sleeps, locks, waits for children and for descriptors
};

// Traced only if (low 32 bits of the argument & mask) is among the values.
struct ArgumentTest {
    std::uint8_t argument = 0;
    std::uint32_t mask = ~0u;
    std::vector<std::uint32_t> values;
    bool operator==(const ArgumentTest&) const = default;
};

struct WantedCall {
    std::uint32_t number = 0;
    CallKind kind = CallKind::other;
    std::uint8_t call = AT_CALL_NONE;     // of kind io
    std::uint8_t wait = AT_WAIT_UNKNOWN;  // what it waits for
    bool is_wait = false;                 // its end is told for that alone
    std::optional<ArgumentTest> only_if;
};

// By number; none twice.
class WantedCalls {
public:
    explicit WantedCalls(const Detail& detail);

    [[nodiscard]] const std::vector<WantedCall>& calls() const { return calls_; }
    // All of them, also those that find() does not know.
    [[nodiscard]] bool every_call() const { return every_call_; }
    // Null when nothing is told of it.
    [[nodiscard]] const WantedCall* find(std::uint64_t number) const {
        if (number >= index_.size() || index_[number] == 0) return nullptr;
        return &calls_[index_[number] - 1];
    }

private:
    void add(WantedCall call);

    std::vector<WantedCall> calls_;
    std::array<std::uint8_t, AT_SYSCALL_NUMBERS> index_{};  // into calls_, plus one
    bool every_call_ = false;
};

// Would the filter stop at the call, given its arguments? For calls that stop without a filter.
[[nodiscard]] bool passes(const ArgumentTest& test, const std::uint64_t* arguments);

}  // namespace autotune::ptrace
