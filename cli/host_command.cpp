#include "cli/host_command.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "cli/arguments.hpp"
#include "cli/exit_status.hpp"
#include "cli/state_folder.hpp"
#include "cli/stop_signals.hpp"
#include "host/host.hpp"
#include "os/fd.hpp"
#include "runtimes/ring.h"

namespace autotune {
namespace {

struct Arguments {
    std::filesystem::path functions;
    std::filesystem::path state = cli::default_state_folder() / "host";
    std::string listen = "127.0.0.1:9000";
    std::string region = "us-east-1";
    std::uint32_t max_concurrency = 1000;
    double idle_timeout_s = 600;
    std::uint64_t seed = 0;
    std::string cgroup = "autotune";
};

void say(std::string_view line) {
    std::fprintf(stderr, "autotune host: %.*s\n", static_cast<int>(line.size()), line.data());
}

// "127.0.0.1:9000", "[::1]:0", ":9000", "9000".
Status read_listen(const std::string& text, host::HostOptions& options) {
    const auto colon = text.rfind(':');
    auto address = colon == std::string::npos ? std::string() : text.substr(0, colon);
    const auto port = colon == std::string::npos ? text : text.substr(colon + 1);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    if (address == "localhost") address = "127.0.0.1";
    const auto* end = port.data() + port.size();
    if (const auto read = std::from_chars(port.data(), end, options.port);
        read.ec != std::errc() || read.ptr != end)
        return fail(Errc::invalid_argument, "--listen wants ADDRESS:PORT, not " + text);
    if (!address.empty()) options.address = address;
    return ok();
}

// Where `autotune trace` started us, functions get its probes as everything does that we start.
std::map<std::string, std::string> probes_of_our_tracer() {
    std::map<std::string, std::string> probes;
    if (std::getenv(AT_RING_ENVIRONMENT) == nullptr) return probes;
    for (const char* name : {AT_RING_ENVIRONMENT, "AUTOTUNE_PYTHON", "LD_PRELOAD"})
        if (const char* value = std::getenv(name); value != nullptr) probes[name] = value;
    return probes;
}

// Nothing but names, so that no cgroup of others can be meant; and none of digits and '-' only, which is how hosts name their own:
// another one would take it for a dead one's (os/cgroup_tree.cpp).
std::string check_cgroup(const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(text).relative_path();
    bool fits = !path.empty() && path.has_filename();
    for (const auto& part : path)
        fits = fits && part != "." && part != ".." && part.string().find_first_not_of("0123456789-") != std::string::npos;
    return fits ? "" : text + " is no cgroup's path, such as autotune/blue";
}

int report(const Error& error) {
    say(error.message);
    return error.code == Errc::invalid_argument ? cli::kUsage : cli::kFailed;
}

int serve(const Arguments& arguments) {
    host::HostOptions options;
    options.functions = arguments.functions;
    // Sandboxes have folders of their own to be in.
    options.state = std::filesystem::absolute(arguments.state);
    options.region = arguments.region;
    options.dispatch.concurrency = arguments.max_concurrency;
    options.idle_timeout = std::chrono::milliseconds(std::llround(arguments.idle_timeout_s * 1000));
    options.seed = arguments.seed;
    options.cgroup = std::filesystem::path(arguments.cgroup).relative_path();
    options.note = say;
    options.probes = probes_of_our_tracer();
    if (auto read = read_listen(arguments.listen, options); !read) return report(read.error());
    const auto signals = cli::stop_signals();
    if (!signals) return report(signals.error());
    const SystemClock clock;
    const auto host = host::Host::start(std::move(options), clock);
    if (!host) return report(host.error());
    const auto watch = (*host)->loop().when_readable(signals->get(), [&] {
        signalfd_siginfo info{};
        if (::read(signals->get(), &info, sizeof info) != sizeof info) return;
        say("stopping");
        (*host)->stop();
    });
    say("ready at " + (*host)->url());
    (*host)->run();
    return cli::kDone;
}

}  // namespace

int host_command(int argc, char** argv) {
    Arguments arguments;
    CLI::App app(
        "Runs functions on this machine behind AWS Lambda's API. Signatures are not checked: it listens\n"
        "on loopback only.");
    app.name(argc > 0 ? argv[0] : "autotune host");
    app.footer(
        "examples:\n"
        "  autotune host --functions examples/functions\n"
        "  aws --endpoint-url http://127.0.0.1:9000 lambda invoke --function-name hello:live answer.json");
    app.add_option("--functions", arguments.functions,
                   "folder whose subfolders with a function.yaml are deployed")
        ->required()
        ->check(CLI::ExistingDirectory);
    app.add_option("--listen", arguments.listen, "loopback address and port; port 0: a free one")
        ->capture_default_str();
    app.add_option("--state", arguments.state, "folder that remembers functions, versions and aliases")
        ->capture_default_str();
    app.add_option("--region", arguments.region, "region in ARNs")->capture_default_str();
    app.add_option("--max-concurrency", arguments.max_concurrency, "invocations at a time, all functions")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    app.add_option("--idle-timeout", arguments.idle_timeout_s, "seconds after which a sandbox without work ends")
        ->check(CLI::Range(0.1, 86400.0))
        ->capture_default_str();
    app.add_option("--seed", arguments.seed, "of the draws between an alias' two versions; 0: a random one")
        ->capture_default_str();
    app.add_option("--cgroup", arguments.cgroup,
                   "sandboxes get cgroups below this one, PATH/PID/…, made where it is missing; with autotune --cgroup PATH an agent\n"
                   "that looks at this host only")
        ->type_name("PATH")
        ->check(check_cgroup)
        ->capture_default_str();
    if (const auto over = cli::read_arguments(app, argc, argv)) return *over;
    return serve(arguments);
}

}  // namespace autotune
