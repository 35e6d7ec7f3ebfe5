// What is executed for a function, and with which environment: Lambda's, on this machine.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "host/function_version.hpp"

namespace autotune::host {

struct LaunchContext {
    std::string runtime_api;  // "127.0.0.1:40001"
    std::string log_stream;
    std::string region;
    std::string endpoint_url;        // of the control API; empty: none
    std::filesystem::path runtimes;  // the host's own bootstraps: runtimes/python/bootstrap.py
    std::map<std::string, std::string> probes;  // variables that bring a tracer's libraries; empty: none
    // Where the function's layers are seen: "/opt", or their own folder where nothing can be mounted. Empty: none.
    std::filesystem::path opt;
    bool kept_warm = false;  // it is initialised ahead of any call, and told so
};

// "NAME=value" lines. The function may override PATH, LANG, TZ and the like, not what Lambda reserves.
[[nodiscard]] std::vector<std::string> launch_environment(const FunctionVersion& function,
                                                          const LaunchContext& context);

struct LaunchCommand {
    std::vector<std::string> argv;
    std::string note;  // for the log: what is not exactly as asked for; empty when all is
};

// python3.x: that interpreter of the system, or its python3 with a note. nodejsN.x: the system's node. provided*: `bootstrap`
// of the package. Errors: invalid_argument with Lambda's words, when there is nothing that could be executed.
[[nodiscard]] Result<LaunchCommand> launch_command(
    const FunctionVersion& function, const LaunchContext& context,
    const std::vector<std::filesystem::path>& interpreter_folders = {"/usr/bin", "/usr/local/bin"});

// What the process needs and would not find with its layers mounted over context.opt: the function's code, the host's own
// files, a probe's library, the interpreter. Empty: nothing.
[[nodiscard]] std::filesystem::path hidden_by_layers(
    const FunctionVersion& function, const LaunchContext& context,
    const std::vector<std::filesystem::path>& interpreter_folders = {"/usr/bin", "/usr/local/bin"});

}  // namespace autotune::host
