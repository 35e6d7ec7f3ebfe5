// What somebody asks `autotune trace` to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/python_watch.hpp"
#include "cli/trace_break.hpp"
#include "core/event_source.hpp"
#include "core/time.hpp"

namespace autotune::cli {

enum class BackendWish : std::uint8_t { any, bpf, ptrace, runtime };

struct TraceRequest {
    // What to trace: processes, a command, or neither: every executor of this machine.
    std::vector<int> pids;
    std::vector<std::string> command;
    std::filesystem::path recording;  // --from: instead of any of these

    // module.name: only calls of these; none: of all there are. With a colon: native ones, agent/native.
    std::vector<std::string> functions;
    std::vector<runtime::PythonWatch> watches;  // expressions to evaluate, and where
    std::vector<std::string> native_watches;    // values, agent/native/native_target.hpp
    BackendWish backend = BackendWish::any;
    SyscallDetail syscalls = SyscallDetail::none;
    std::optional<Nanos> duration;
    std::size_t invocations = 0;  // 0: until told to stop

    BreakRequest hold;  // --break: instead of tracing

    bool json = false;
    std::filesystem::path output;  // of the report; empty: standard output
    std::filesystem::path record;  // recording
    std::filesystem::path chrome;  // Chrome's trace event format
    std::filesystem::path call_graph;  // by its name's end: cli/call_graph_file.hpp
};

// A function of a program or library (BIN:GLOB), not of an interpreted module.
[[nodiscard]] inline bool is_native(const std::string& function) { return function.find(':') != std::string::npos; }

// Reads the arguments. An exit status where the command is over: help was printed, or one line says what is
// wrong.
[[nodiscard]] std::optional<int> read_trace_request(int argc, char** argv, TraceRequest& request);

}  // namespace autotune::cli
