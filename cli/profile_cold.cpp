#include "cli/profile_cold.hpp"

#include <glob.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/cold/cold_program.hpp"
#include "agent/cold/start_builder.hpp"
#include "agent/cold/start_places.hpp"
#include "cli/arguments.hpp"
#include "cli/exit_status.hpp"
#include "cli/profile_files.hpp"
#include "cli/stop_signals.hpp"
#include "cli/traced_command.hpp"
#include "exporters/render/cold_start.hpp"
#include "os/file.hpp"
#include "os/more_files.hpp"
#include "os/procfs.hpp"

namespace autotune::cli {
namespace {

namespace fs = std::filesystem;

constexpr Nanos kPoll = std::chrono::milliseconds(20);

struct Arguments {
    std::vector<std::int32_t> pids;
    std::vector<std::string> command;
    double seconds = 0;
    double least = 1;  // percent
    std::vector<std::string> out;
    bool json = false;
};

int failed_with(const Error& error) {
    std::fprintf(stderr, "autotune profile: %s\n", error.message.c_str());
    return error.code == Errc::invalid_argument ? kUsage : kFailed;
}

bool is_there(std::int32_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

std::vector<std::string> files_like(const std::string& pattern) {
    std::vector<std::string> files;
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    return files;
}

// The file itself; what runs it when it is a script; the library that is the interpreter of a Python.
void add_program(const std::string& path, std::set<std::string>& to, int depth = 0) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error || depth > 4) return;
    const auto text = read_file(real);
    if (!text || !text->starts_with("#!")) {
        const char* library_path = std::getenv("LD_LIBRARY_PATH");
        const std::string library = cold::interpreter_library(real, library_path != nullptr ? library_path : "");
        if (to.insert(real).second && !library.empty()) to.insert(library);
        return;
    }
    std::string line = text->substr(2, std::min(text->find('\n'), std::size_t{256}) - 2);
    line.erase(0, line.find_first_not_of(" \t"));
    const std::string interpreter = line.substr(0, line.find_first_of(" \t"));
    add_program(interpreter, to, depth + 1);
    if (interpreter.ends_with("/env") && line.size() > interpreter.size())  // #!/usr/bin/env NAME
        if (const auto found = find_program(line.substr(line.find_last_of(" \t") + 1))) add_program(*found, to, depth + 1);
}

// What is likely to be started: the command, and the Pythons of the system, which others start. What else is started is
// marked from its second start on.
std::set<std::string> programs_of(const Arguments& arguments) {
    std::set<std::string> programs;
    if (!arguments.command.empty())
        if (const auto found = find_program(arguments.command.front())) add_program(*found, programs);
    for (const char* pattern : {"/usr/bin/python3.[0-9]*", "/usr/local/bin/python3.[0-9]*",
                                "/usr/lib/*/libpython3.[0-9]*.so*"})
        for (const std::string& file : files_like(pattern))
            if (!file.ends_with("-config")) add_program(file, programs);
    return programs;
}

class ColdProfile {
public:
    explicit ColdProfile(cold::ColdProgram program) : program_(std::move(program)) {}

    void mark(const std::string& path) {
        const MoreFiles more;  // each place takes some
        const auto remark = program_.mark(path);
        if (remark && !remark->empty()) std::fprintf(stderr, "autotune profile: %s\n", remark->c_str());
    }
    Status watch(std::int32_t pid) { return program_.watch(pid); }

    // The command is about to be let go: this is the beginning of its start.
    void begins(std::int32_t pid) {
        at_cold_mark mark{.at_ns = static_cast<std::uint64_t>(to_ns(clock_.now())), .kind = AT_COLD_FORK};
        mark.pid = mark.tid = static_cast<std::uint32_t>(pid);
        mark.parent = static_cast<std::uint32_t>(::getpid());
        const auto statm = read_file("/proc/" + std::to_string(pid) + "/statm");
        unsigned long pages = 0, resident = 0;
        if (statm && std::sscanf(statm->c_str(), "%lu %lu", &pages, &resident) == 2)
            mark.sums.resident = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        builder_.add(mark);
    }

    Status drain(Nanos wait) {
        std::set<std::string> fresh;
        const Status drained = program_.drain(wait, [&](const at_cold_mark& mark) {
            builder_.add(mark);
            if (mark.kind != AT_COLD_PROGRAM) return;
            std::error_code error;
            const fs::path real = fs::read_symlink("/proc/" + std::to_string(mark.pid) + "/exe", error);
            if (error) return;  // it has gone
            builder_.is_program(static_cast<std::int32_t>(mark.pid), real);
            add_program(real, fresh);
        });
        for (const std::string& path : fresh) mark(path);
        return drained;
    }

    std::vector<ColdStart> take() { return builder_.take(); }
    std::vector<ColdStart> finish() { return builder_.finish(); }
    [[nodiscard]] std::uint64_t lost() const { return program_.lost() + builder_.refused(); }

private:
    SystemClock clock_;
    cold::ColdProgram program_;
    cold::StartBuilder builder_;
};

struct Seen {
    std::vector<ColdStart> starts;
    std::uint64_t lost = 0;
    std::optional<int> status;
};

Result<Seen> watch(const Arguments& arguments) {
    for (const std::int32_t pid : arguments.pids)
        if (!is_there(pid)) return fail(Errc::not_found, "no process has the id " + std::to_string(pid));
    const auto stop = stop_signals();
    if (!stop) return stop.forward();
    std::optional<TracedCommand> command;
    if (!arguments.command.empty()) {
        auto prepared = TracedCommand::prepare(arguments.command, {});
        if (!prepared) return prepared.forward();
        command.emplace(*std::move(prepared));
    }
    auto program = cold::ColdProgram::load();
    if (!program) return program.forward();
    ColdProfile profile(*std::move(program));
    for (const std::string& path : programs_of(arguments)) profile.mark(path);
    const std::vector<std::int32_t> pids =
        command ? std::vector<std::int32_t>{command->pid()} : Procfs().with_descendants(arguments.pids);
    for (const std::int32_t pid : pids)
        if (Status s = profile.watch(pid); !s) return s.forward();
    if (!command) std::fprintf(stderr, "autotune profile: watching what is started (Ctrl-C: enough)\n");
    const SystemClock clock;
    const Timestamp start = clock.now();
    if (command) {
        profile.begins(command->pid());
        if (Status s = command->release(); !s) return s.forward();
    }
    Seen seen;
    for (bool last = false; !last;) {
        last = command ? command->ended().has_value() : std::ranges::none_of(pids, is_there);
        last |= arguments.seconds > 0 && to_seconds(clock.now() - start) >= arguments.seconds;
        signalfd_siginfo signal{};
        if (::read(stop->get(), &signal, sizeof signal) == sizeof signal) {
            if (command && signal.ssi_code != SI_KERNEL) command->signal(static_cast<int>(signal.ssi_signo));
            last |= !command;
        }
        if (Status s = profile.drain(last ? Nanos(0) : kPoll); !s) return s.forward();
        std::ranges::move(last ? profile.finish() : profile.take(), std::back_inserter(seen.starts));
    }
    seen.lost = profile.lost();
    if (command && command->ended()) {
        const ExitStatus status = *command->ended();
        seen.status = status.signal != 0 ? 128 + status.signal : status.code;
    }
    return seen;
}

Status show(const Arguments& arguments, const Seen& seen) {
    std::string text;
    if (arguments.json) text = render::cold_starts_json(seen.starts, seen.lost);
    if (!arguments.json && arguments.out.empty())
        for (const ColdStart& start : seen.starts)
            text += (text.empty() ? "" : "\n") + render::cold_start_text(start, arguments.least / 100);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        return fail(Errc::unavailable, "writing to standard output failed");
    for (const std::string& path : arguments.out) {
        Status written = path.ends_with(".json") && !path.ends_with(".speedscope.json") && !path.ends_with(".chrome.json")
                             ? replace_file(path, render::cold_starts_json(seen.starts, seen.lost))
                             : write_profile(profile_of(seen.starts), path, {.colour = {}, .icicle = true});
        if (!written) return written;
    }
    return ok();
}

}  // namespace

int profile_cold_command(int argc, char** argv) {
    CLI::App app("Shows how processes start", argv[0]);
    app.footer(
        "examples:\n"
        "  sudo autotune profile --cold -- python3 app.py                  # phases, and below them each module\n"
        "  sudo autotune profile --cold -o start.svg -o start.json -- ./app # a flame graph of the start, and all of it\n"
        "  sudo autotune profile --cold -p $(pidof -s autotune) --duration 60   # what a running autotune host starts\n"
        "phases: fork, exec, loader, runtime (CPython's own start), program, ready (waits for work), handler");
    Arguments arguments;
    bool cold = false;
    app.add_flag("--cold", cold, "how processes start");
    auto* pid = app.add_option("-p,--pid", arguments.pids, "what this process starts from now on, and all that they start")
                    ->check(above_zero);
    app.add_option("COMMAND", arguments.command, "after --: a program to start, with its arguments")->excludes(pid);
    app.positionals_at_end();
    app.add_option("--duration", arguments.seconds, "watch for so many seconds at most")->check(above_zero);
    app.add_option("--least", arguments.least, "in the text: modules below so many percent of a start are told together")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    app.add_option("-o,--output", arguments.out,
                   "write there: .json, or a flame graph by its end as without --cold (may be given several times)");
    app.add_flag("--json", arguments.json, "everything on standard output, for programs");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    if (arguments.pids.empty() == arguments.command.empty()) {
        std::fprintf(stderr, "autotune profile: whose start? a command behind --, or -p PID; see autotune profile --cold --help\n");
        return kUsage;
    }
    for (const std::string& path : arguments.out)  // before the work
        if (const auto format = format_of(path); !format) return failed_with(format.error());
    const auto seen = watch(arguments);
    if (!seen) {
        const int ours = failed_with(seen.error());
        if (arguments.command.empty() || ours == kUsage) return ours;
        return kOursFailed;
    }
    if (seen->lost > 0)
        std::fprintf(stderr, "autotune profile: %llu marks were lost\n", static_cast<unsigned long long>(seen->lost));
    if (Status s = show(arguments, *seen); !s) return failed_with(s.error());
    if (seen->starts.empty()) std::fprintf(stderr, "autotune profile: nothing was started\n");
    return seen->status.value_or(kDone);
}

}  // namespace autotune::cli
