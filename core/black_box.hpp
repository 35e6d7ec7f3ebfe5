// BlackBox: a process at the moment it was killed: where its threads were, what they had asked of the kernel last,
// what was open, where its memory was. Self-contained: text and numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/endpoint.hpp"
#include "core/ids.hpp"
#include "core/profile.hpp"
#include "core/time.hpp"

namespace autotune {

struct BoxThread {
    std::int32_t id = 0;
    std::string name;
    std::vector<ProfileFrame> frames;  // leaf first; native frames of an interpreter's loop are its Python frames
    bool truncated = false;            // does not reach the thread's start
    std::int64_t in_call = -1;         // system call that it was in; -1: none
    std::array<std::uint64_t, 6> arguments{};
};

struct BoxCall {  // one system call
    Nanos before{0};  // its end, before the kill
    std::int32_t thread = 0;
    std::uint32_t number = 0;
    std::array<std::uint64_t, 6> arguments{};
    std::string text;      // its path or address; empty where it has none
    std::int64_t result = 0;  // -errno when it failed
    bool interrupted = false;  // by the kill
};

struct BoxFile {
    std::int32_t fd = 0;
    std::string what;  // a path; "tcp 127.0.0.1:80 -> 127.0.0.1:4242 established"; "pipe 4711"
    std::uint64_t position = 0;
    std::uint32_t flags = 0;  // O_…
};

struct BoxMapping {  // all mappings of one file, or of one kind of memory, in bytes
    std::string what;  // a path, "[heap]", "[stack]", "[anonymous]"
    std::uint32_t count = 0;
    std::uint64_t size = 0, resident = 0, anonymous = 0, swapped = 0;
};

struct BoxMemory {
    std::uint64_t group_now = 0, group_limit = 0;  // of the memory cgroup, at the kill; 0: not known
    std::uint64_t anonymous = 0, files = 0, shared = 0, swapped = 0;  // of the process, at the kill
    // As last looked at while it lived: nobody can afterwards. Most resident first; empty: nobody came to it.
    std::vector<BoxMapping> mappings;
    Nanos mappings_before{0};        // so long before the kill
    std::uint64_t mappings_at = 0;   // resident bytes then
};

struct BlackBox {
    std::string invocation, function, version, status;  // empty: it is of no invocation
    ProcessId process;
    CgroupId cgroup{};
    std::string command;
    Timestamp at;
    WallTime wall;
    std::int32_t signal = 0;
    bool out_of_memory = false;
    std::int32_t culprit_thread = 0;  // that wanted the page, or crashed, else the first; 0: not known
    std::vector<BoxThread> threads;   // the culprit first
    std::uint32_t threads_alive = 0;  // that it had: others could not be told
    std::vector<BoxCall> calls;       // oldest first
    bool calls_given_up = false;      // the last are not among them: they were given up for the budget
    std::vector<BoxFile> files;
    std::uint32_t more_files = 0;
    BoxMemory memory;
    std::uint64_t records_lost = 0;   // by the machine, while this was told
};

// Where the fault is likely to be looked for: of the culprit's stack the innermost frame that is of the program itself,
// neither of the system's libraries nor of the interpreter; else the innermost. Null: there is no stack.
[[nodiscard]] const ProfileFrame* culprit_of(const BlackBox& box);

// "handler.py:12 in handler"; the whole path of the file; "" for a null pointer.
[[nodiscard]] std::string describe_place(const ProfileFrame* frame);

}  // namespace autotune
