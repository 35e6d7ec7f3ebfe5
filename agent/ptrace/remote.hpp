// A stopped task of another process: its memory, its system call, its resumption. Thin; each is one call of the
// kernel's. All but read_memory() from the tracing thread only.
//
// A task that was killed meanwhile is no error anywhere here: its end is told by wait(2) soon after.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace autotune::ptrace {

enum class Resume : std::uint8_t {
    run,           // to its next wanted call, where a filter tells which are
    to_next_stop,  // of a system call: entry or exit
    listen,        // stays stopped, as job control wants it
};
void resume(pid_t tid, Resume how, int signal = 0);

enum class CallStop : std::uint8_t { none, entry, exit };
struct CallState {
    CallStop stop = CallStop::none;
    bool is_native = true;  // of the ABI whose numbers we know; entries only
    std::uint64_t number = 0;
    std::uint64_t arguments[6]{};
    std::int64_t result = 0;
};
// nullopt: it was killed.
[[nodiscard]] std::optional<CallState> call_state(pid_t tid);

[[nodiscard]] std::optional<unsigned long> event_message(pid_t tid);

// How many bytes could be read, from the beginning.
[[nodiscard]] std::size_t read_memory(pid_t pid, std::uint64_t address, std::span<std::byte> to);
[[nodiscard]] bool write_memory(pid_t pid, std::uint64_t address, std::span<const std::byte> from);

template <class T>
[[nodiscard]] std::optional<T> read_object(pid_t pid, std::uint64_t address) {
    T object;
    if (address == 0) return std::nullopt;
    if (read_memory(pid, address, std::as_writable_bytes(std::span(&object, 1))) != sizeof object)
        return std::nullopt;
    return object;
}

// At most `capacity` bytes before the NUL; nullopt when nothing could be read.
[[nodiscard]] std::optional<std::string> read_text(pid_t pid, std::uint64_t address, std::size_t capacity);

// The first argument of the call that it is about to make.
[[nodiscard]] bool set_first_argument(pid_t tid, std::uint64_t value);

}  // namespace autotune::ptrace
