#include "host/sandbox/launch.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace autotune::host {
namespace {

namespace fs = std::filesystem;

bool executable(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

Result<LaunchCommand> python_command(const FunctionVersion& function, const LaunchContext& context,
                                     const std::vector<fs::path>& folders) {
    const std::string script = context.runtimes / "python" / "bootstrap.py";
    const auto argv = [&](const fs::path& interpreter) {
        std::vector<std::string> all{interpreter, script};
        if (!context.opt.empty()) all.push_back(context.opt);
        return all;
    };
    for (const fs::path& folder : folders) {
        if (executable(folder / function.runtime))
            return LaunchCommand{argv(folder / function.runtime), ""};
    }
    for (const fs::path& folder : folders) {
        const fs::path any = folder / "python3";
        if (!executable(any)) continue;
        std::error_code error;
        const fs::path real = fs::canonical(any, error);
        return LaunchCommand{
            argv(any),
            function.runtime + " is not installed; " + (error ? any : real).string() + " runs it"};
    }
    return fail(Errc::invalid_argument, "no python3 interpreter on this machine for " + function.runtime);
}

// The major version that "nodejs20.x" names; "": none.
std::string node_version(const std::string& runtime) {
    constexpr std::string_view prefix = "nodejs";
    return runtime.starts_with(prefix) ? runtime.substr(prefix.size(), runtime.find('.') - prefix.size()) : "";
}

// Machines have one Node.js; whether it is the wanted one only it could say.
Result<LaunchCommand> node_command(const FunctionVersion& function, const LaunchContext& context, const std::vector<fs::path>& folders) {
    for (const fs::path& folder : folders) {
        if (!executable(folder / "node")) continue;
        // Nine tenths of the memory, as on Lambda: garbage is collected before the kernel kills for it.
        std::vector<std::string> argv{folder / "node", "--max-old-space-size=" + std::to_string(function.memory_mb * 9 / 10),
                                      context.runtimes / "node" / "bootstrap.mjs"};
        if (!context.opt.empty()) argv.push_back(context.opt);
        return LaunchCommand{std::move(argv), ""};
    }
    return fail(Errc::invalid_argument, "no node on this machine for " + function.runtime);
}

Result<LaunchCommand> provided_command(const FunctionVersion& function, const LaunchContext& context) {
    const fs::path bootstrap = function.code / "bootstrap";
    std::error_code error;
    if (!fs::exists(bootstrap, error) && !context.opt.empty() && executable(function.layers / "bootstrap"))
        return LaunchCommand{{context.opt / "bootstrap"}, ""};
    if (!fs::exists(bootstrap, error)) {
        return fail(Errc::invalid_argument, "Couldn't find valid bootstrap(s): [" + bootstrap.string() + "]");
    }
    if (!executable(bootstrap)) {
        return fail(Errc::invalid_argument, "fork/exec " + bootstrap.string() + ": permission denied");
    }
    return LaunchCommand{{bootstrap}, ""};
}

bool lies_below(const fs::path& path, const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error), above = fs::weakly_canonical(folder, error);
    return std::mismatch(above.begin(), above.end(), real.begin(), real.end()).first == above.end();
}

}  // namespace

fs::path hidden_by_layers(const FunctionVersion& function, const LaunchContext& context,
                          const std::vector<fs::path>& interpreter_folders) {
    std::vector<fs::path> needed{function.code, context.runtimes};
    for (const auto& [name, value] : context.probes) {
        std::istringstream parts(value);
        for (std::string part; std::getline(parts, part, ':');)
            if (part.starts_with('/')) needed.emplace_back(part);
    }
    const auto command = launch_command(function, context, interpreter_folders);
    // A bootstrap of the layers lies there because they do.
    if (command && command->argv.front() != context.opt / "bootstrap") needed.emplace_back(command->argv.front());
    const auto hidden = std::find_if(needed.begin(), needed.end(), [&](const fs::path& p) { return lies_below(p, context.opt); });
    return hidden == needed.end() ? fs::path() : *hidden;
}

std::vector<std::string> launch_environment(const FunctionVersion& function, const LaunchContext& context) {
    const std::string root = function.code.string(), opt = context.opt.string();
    // What a function may set itself.
    std::map<std::string, std::string> all{
        {"PATH", "/usr/local/bin:/usr/bin:/bin" + (opt.empty() ? "" : ":" + opt + "/bin")},
        {"LANG", "C.UTF-8"},  // Lambda's en_US.UTF-8 is not on every Debian
        {"TZ", ":UTC"},
        {"LD_LIBRARY_PATH", root + ":" + root + "/lib" + (opt.empty() ? "" : ":" + opt + "/lib")},
        {"PYTHONDONTWRITEBYTECODE", "1"},  // the package stays as it was deployed
        // SDKs refuse to call without credentials; the host's control API checks none.
        {"AWS_ACCESS_KEY_ID", "local"},
        {"AWS_SECRET_ACCESS_KEY", "local"},
    };
    if (const std::string node = node_version(function.runtime); !node.empty() && !opt.empty())
        all["NODE_PATH"] = opt + "/nodejs/node" + node + "/node_modules:" + opt + "/nodejs/node_modules";
    if (!context.endpoint_url.empty()) all["AWS_ENDPOINT_URL_LAMBDA"] = context.endpoint_url;
    for (const auto& [name, value] : function.environment) all[name] = value;
    // What Lambda reserves.
    const std::string memory = std::to_string(function.memory_mb);
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"AWS_LAMBDA_RUNTIME_API", context.runtime_api},
                                            {"_HANDLER", function.handler},
                                            {"LAMBDA_TASK_ROOT", root},
                                            {"LAMBDA_RUNTIME_DIR", context.runtimes.string()},
                                            {"AWS_LAMBDA_FUNCTION_NAME", function.name},
                                            {"AWS_LAMBDA_FUNCTION_VERSION", function.version},
                                            {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory},
                                            {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + function.name},
                                            {"AWS_LAMBDA_LOG_STREAM_NAME", context.log_stream},
                                            {"AWS_LAMBDA_INITIALIZATION_TYPE",
                                             context.kept_warm ? "provisioned-concurrency" : "on-demand"},
                                            {"AWS_EXECUTION_ENV", "AWS_Lambda_" + function.runtime},
                                            {"AWS_REGION", context.region},
                                            {"AWS_DEFAULT_REGION", context.region}}) {
        all[name] = value;
    }
    for (const auto& [name, value] : context.probes) {
        std::string& known = all[name];
        // The function may have libraries of its own to be loaded first.
        known = name == "LD_PRELOAD" && !known.empty() ? value + ":" + known : value;
    }
    std::vector<std::string> lines;
    lines.reserve(all.size());
    for (const auto& [name, value] : all) lines.push_back(name + "=" + value);
    return lines;
}

Result<LaunchCommand> launch_command(const FunctionVersion& function, const LaunchContext& context,
                                     const std::vector<fs::path>& interpreter_folders) {
    if (function.runtime.starts_with("python3"))
        return python_command(function, context, interpreter_folders);
    if (function.runtime.starts_with("nodejs")) return node_command(function, context, interpreter_folders);
    if (function.runtime.starts_with("provided")) return provided_command(function, context);
    return fail(Errc::invalid_argument,
                "runtime " + function.runtime + " is not supported (python3.x, nodejs, provided)");
}

}  // namespace autotune::host
