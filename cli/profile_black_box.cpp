#include "cli/profile_black_box.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/black_box/recorder.hpp"
#include "cli/arguments.hpp"
#include "cli/black_boxes.hpp"
#include "cli/exit_status.hpp"
#include "cli/state_folder.hpp"
#include "cli/stop_signals.hpp"
#include "cli/traced_command.hpp"
#include "exporters/render/black_box.hpp"
#include "os/file.hpp"
#include "os/procfs.hpp"

namespace autotune::cli {
namespace {

constexpr Nanos kLook = std::chrono::milliseconds(50);
constexpr Nanos kLongestWriting = std::chrono::seconds(5);

struct Arguments {
    std::string id;
    std::vector<std::int32_t> pids;
    std::vector<std::string> command;
    double seconds = 0;
    std::string state = default_state_folder();
    std::string out;
    bool json = false;
};

int failed_with(const Error& error) {
    std::fprintf(stderr, "autotune profile: %s\n", error.message.c_str());
    return error.code == Errc::invalid_argument ? kUsage : kFailed;
}

Status show(const Arguments& arguments, const BlackBox& box) {
    const bool json = arguments.json || arguments.out.ends_with(".json");
    const std::string text = json ? render::black_box_json(box) : render::black_box_text(box);
    if (!arguments.out.empty()) return replace_file(arguments.out, text);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        return fail(Errc::unavailable, "writing to standard output failed");
    return ok();
}

int show_stored(const Arguments& arguments) {
    const auto box = stored_black_box(black_box_folder(arguments.state), arguments.id);
    if (!box) return failed_with(box.error());
    if (Status s = show(arguments, *box); !s) return failed_with(s.error());
    return kDone;
}

bool is_there(std::int32_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

// Shows what is killed until the target ends, the time is over, or somebody stops us. How many that were, and the command's
// own status.
struct Watched {
    std::size_t boxes = 0;
    std::optional<int> status;
};

Result<Watched> watch(const Arguments& arguments) {
    for (const std::int32_t pid : arguments.pids)
        if (!is_there(pid)) return fail(Errc::not_found, "no process has the id " + std::to_string(pid));
    const auto stop = stop_signals();
    if (!stop) return stop.forward();
    std::vector<std::int32_t> pids = Procfs().with_descendants(arguments.pids);
    std::optional<TracedCommand> command;
    if (!arguments.command.empty()) {
        auto prepared = TracedCommand::prepare(arguments.command, {});
        if (!prepared) return prepared.forward();
        command.emplace(*std::move(prepared));
        pids = {command->pid()};
    }
    auto recorder = black_box::Recorder::start({});
    if (!recorder) return recorder.forward();
    if (Status s = (*recorder)->trace({}, pids); !s) return s.forward();
    const SystemClock clock;
    const Timestamp start = clock.now();
    if (command)
        if (Status s = command->release(); !s) return s.forward();
    Watched out;
    for (bool last = false; !last;) {
        last = command ? command->ended().has_value() : std::ranges::none_of(pids, is_there);
        last |= arguments.seconds > 0 && to_seconds(clock.now() - start) >= arguments.seconds;
        signalfd_siginfo signal{};
        if (::read(stop->get(), &signal, sizeof signal) == sizeof signal) {
            if (command && signal.ssi_code != SI_KERNEL) command->signal(static_cast<int>(signal.ssi_signo));
            last |= !command;
        }
        if (last) std::this_thread::sleep_for(kLook);  // what was killed last is on its way to us
        const Timestamp patience = clock.now() + kLongestWriting;
        do {
            for (const BlackBox& box : (*recorder)->take(last && (*recorder)->is_writing() ? kLook : Nanos(0))) {
                ++out.boxes;
                if (Status s = show(arguments, box); !s) return s.forward();
            }
        } while (last && (*recorder)->is_writing() && clock.now() < patience);
        if (!last) std::this_thread::sleep_for(kLook);
    }
    if (command && command->ended()) {
        const ExitStatus status = *command->ended();
        out.status = status.signal != 0 ? 128 + status.signal : status.code;
    }
    return out;
}

}  // namespace

int profile_black_box_command(int argc, char** argv) {
    CLI::App app("Shows a process at the moment it was killed", argv[0]);
    app.footer(
        "examples:\n"
        "  autotune profile --black-box 3495038e-6a7c-4f2b-8d0e-1c2b3a4d5e6f     # of an invocation that autotune saw die\n"
        "  autotune profile --black-box 3495038e-6a7c-4f2b-8d0e-1c2b3a4d5e6f --json | jq .culprit\n"
        "  sudo autotune profile --black-box -- timeout -s KILL 5 ./job           # of whatever is killed of a command\n"
        "  sudo autotune profile --black-box -p 4242 --duration 3600\n"
        "killed: by SIGKILL, by the kernel for want of memory, or by a fault of its own (SIGSEGV, SIGABRT, …)");
    Arguments arguments;
    app.add_option("--black-box", arguments.id, "the invocation's id; none: of the command or the processes that are named")
        ->expected(0, 1);
    auto* pid = app.add_option("-p,--pid", arguments.pids, "watch this process and all that it starts")->check(above_zero);
    app.add_option("COMMAND", arguments.command, "after --: a program to start and watch, with its arguments")->excludes(pid);
    app.positionals_at_end();
    app.add_option("--duration", arguments.seconds, "watch for so many seconds at most")->check(above_zero);
    app.add_option("--state", arguments.state, "where the agent keeps what it has seen")->capture_default_str();
    app.add_option("-o,--output", arguments.out, "write there instead; .json implies --json");
    app.add_flag("--json", arguments.json, "everything, for programs");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    const bool live = !arguments.pids.empty() || !arguments.command.empty();
    if (live == !arguments.id.empty()) {
        std::fprintf(stderr,
                     "autotune profile: %s: an invocation's id, a command behind --, or -p PID; see autotune profile "
                     "--black-box --help\n",
                     live ? "one thing at a time" : "whose black box?");
        return kUsage;
    }
    if (!live) return show_stored(arguments);
    const auto watched = watch(arguments);
    if (!watched) {
        const int ours = failed_with(watched.error());
        return arguments.command.empty() || ours == kUsage ? ours : 125;
    }
    if (watched->boxes == 0) std::fprintf(stderr, "autotune profile: nothing was killed\n");
    return watched->status.value_or(kDone);
}

}  // namespace autotune::cli
