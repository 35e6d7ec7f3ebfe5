// autotune profile: flame graphs.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/profile_black_box.hpp"
#include "cli/profile_cold.hpp"
#include "cli/profile_files.hpp"
#include "cli/profile_live.hpp"
#include "cli/traced_command.hpp"
#include "exporters/render/amount.hpp"
#include "exporters/render/call_tree_text.hpp"
#include "exporters/render/profile_json.hpp"
#include "os/file_limit.hpp"

namespace autotune::cli {

namespace {

struct Arguments {
    ProfileTarget target;
    double seconds = 0;
    std::string from;
    std::vector<std::string> diff;
    std::string unit = "samples";
    std::string title;
    std::vector<std::string> out;
    FlameLook look;
    bool json = false;
};

const std::map<std::string, ProfileUnit> kUnits{
    {"samples", ProfileUnit::count}, {"ns", ProfileUnit::nanoseconds}, {"bytes", ProfileUnit::bytes}};

// Told by probes within CPython instead of samples.
const std::map<std::string, PythonMemory> kPythonModes{{"allocations", PythonMemory::allocations},
                                                       {"in-use", PythonMemory::in_use}};

const std::map<std::string, symbols::SamplerMode> kModes{{"on-cpu", symbols::SamplerMode::on_cpu},
                                                         {"off-cpu", symbols::SamplerMode::off_cpu},
                                                         {"wall", symbols::SamplerMode::wall},
                                                         {"memory", symbols::SamplerMode::memory},
                                                         {"growth", symbols::SamplerMode::growth}};

// What a sample is called.
const char* samples_of(const ProfileTarget& target) {
    if (target.python_memory != PythonMemory::none) return " allocations, ";
    switch (target.mode) {
        case symbols::SamplerMode::on_cpu: return " samples";
        case symbols::SamplerMode::off_cpu: return " waits, ";
        case symbols::SamplerMode::wall: return " samples and waits, ";
        case symbols::SamplerMode::memory: return " page faults, ";
        case symbols::SamplerMode::growth: return " calls, ";
    }
    return "";
}

int failed_with(const Error& error) {
    std::fprintf(stderr, "autotune profile: %s\n", error.message.c_str());
    return error.code == Errc::invalid_argument || error.code == Errc::corrupt ? kUsage : kFailed;
}

Result<Profile> profile_of(const Arguments& arguments) {
    const ProfileUnit unit = kUnits.at(arguments.unit);
    if (arguments.diff.empty()) return read_profile(arguments.from, unit);
    auto before = read_profile(arguments.diff[0], unit);
    if (!before) return before;
    auto after = read_profile(arguments.diff[1], unit);
    if (!after) return after;
    Profile both = compare(*before, *after);
    both.title = after->title + " against " + before->title;
    return both;
}

// Like what it watches, a command's own status is ours.
int after_command(const Arguments& arguments, const std::optional<int>& status, int ours) {
    if (arguments.target.command.empty() || ours == kUsage) return ours;
    return ours == kDone ? status.value_or(kDone) : kOursFailed;
}

int draw(const Arguments& arguments, Profile profile) {
    if (!arguments.title.empty()) profile.title = arguments.title;
    if (arguments.json)
        std::fputs(render::profile_json(profile).c_str(), stdout);
    else if (arguments.out.empty())
        std::fputs(render::call_tree_text(profile).c_str(), stdout);
    for (const std::string& path : arguments.out)
        if (Status s = write_profile(profile, path, arguments.look); !s) return failed_with(s.error());
    return kDone;
}

std::string percent_of(std::uint64_t part, std::uint64_t total) {
    char text[16];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * static_cast<double>(part) / static_cast<double>(total));
    return text;
}

// "1234 samples, 2.5 s, in 3.0 s, 4 lost, 1.2 % do not reach their start"
std::string summary(const LiveProfile& live, const ProfileTarget& target) {
    const std::uint64_t total = live.profile.total();
    char took[32];
    std::snprintf(took, sizeof took, " in %.1f s", to_seconds(live.took));
    std::string text = std::to_string(live.samples) + samples_of(target);
    if (target.mode != symbols::SamplerMode::on_cpu || live.profile.unit == ProfileUnit::bytes)
        text += render::human_amount(live.profile.unit, total);
    text += took;
    if (!target.function.empty()) text += ", " + std::to_string(live.invocations) + " invocations";
    if (live.lost > 0) text += ", " + std::to_string(live.lost) + " lost";
    if (live.unknown_stacks > 0) text += ", stacks of " + std::to_string(live.unknown_stacks) + " lost";
    if (live.profile.truncated > 0)
        text += ", " + percent_of(live.profile.truncated, total) + " do not reach their start";
    return text;
}

// "cost: 0.52 s of CPU and 0.21 s in BPF programs, 1234567 bytes from them": until now, of this whole process.
std::string cost_of(const LiveProfile& live) {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
    char text[160];
    std::snprintf(text, sizeof text, "cost: %.3f s of CPU and %.3f s in BPF programs, %llu bytes from them",
                  seconds(used.ru_utime) + seconds(used.ru_stime), live.bpf_seconds,
                  static_cast<unsigned long long>(live.bytes));
    return text;
}

int sample(Arguments& arguments) {
    if (arguments.seconds > 0) arguments.target.duration = Nanos(std::llround(arguments.seconds * 1e9));
    bool refused = false;
    auto live = profile_live(arguments.target, refused);
    if (!live && refused) return failed_with(live.error()), status_of_refusal(live.error());
    if (!live) return after_command(arguments, std::nullopt, failed_with(live.error()));
    std::fprintf(stderr, "autotune profile: %s\n", summary(*live, arguments.target).c_str());
    for (const std::string& note : live->notes) std::fprintf(stderr, "autotune profile: %s\n", note.c_str());
    const int drawn = draw(arguments, std::move(live->profile));
    if (arguments.target.cost) std::fprintf(stderr, "autotune profile: %s\n", cost_of(*live).c_str());
    return after_command(arguments, live->status, drawn);
}

}  // namespace

int profile_command(int argc, char** argv) {
    raise_file_limit();
    // Commands of their own: what they take and tell is something else.
    for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i)
        if (const std::string_view what = argv[i]; what.starts_with("--black-box"))
            return profile_black_box_command(argc, argv);
        else if (what == "--cold")
            return profile_cold_command(argc, argv);
    CLI::App app("Draws flame graphs and exports profiles", argv[0]);
    app.footer(
        "examples:\n"
        "  sudo autotune profile -o out.html -- python3 app.py\n"
        "  sudo autotune profile -p 4242 --duration 10 --hz 999 -o out.svg\n"
        "  sudo autotune profile --mode off-cpu -p 4242 --duration 10 -o waits.html      # where it waits\n"
        "  sudo autotune profile --mode memory -o memory.html -- python3 app.py           # who touches new "
        "memory\n"
        "  autotune profile --mode allocations -o allocations.html -- python3 app.py      # each call of CPython's "
        "allocators\n"
        "  autotune profile --mode in-use -p 4242 --duration 60 -o kept.html              # what was not given back\n"
        "  sudo autotune profile --mode wall --kernel -o out.html -- ./server            # with the kernel's "
        "frames\n"
        "  sudo autotune profile --function orders --invocation slowest --mode wall --duration 60 -o "
        "slow.html\n"
        "  sudo autotune profile --function '*' --invocation each --duration 60 -o each.html\n"
        "  sudo autotune profile --function orders --mode allocations --invocation slowest --duration 60 -o objects.html\n"
        "  perf script | stackcollapse-perf.pl | autotune profile --from - -o out.html\n"
        "  autotune profile --from stacks.folded.gz -o out.svg -o out.pb.gz -o out.speedscope.json\n"
        "  autotune profile --diff before.folded after.folded -o change.html\n"
        "  sudo autotune profile --function orders --duration 60 --diff -o slow.html      # slowest 1 % "
        "against the median\n"
        "  autotune profile --from stacks.folded          # a call tree on the terminal\n"
        "  sudo autotune profile --cold -- python3 app.py   # how it starts: autotune profile --cold --help\n"
        "  autotune profile --black-box ID                # of an invocation that was killed: autotune "
        "profile --black-box --help");
    Arguments arguments;
    auto* pid =
        app.add_option("-p,--pid", arguments.target.pids, "sample this process and all that it starts")
            ->check(above_zero);
    app.add_option("--hz", arguments.target.hz, "samples a second and CPU")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--duration", arguments.seconds, "sample for so many seconds at most")
        ->check(above_zero);
    std::string mode = "on-cpu";
    app.add_option("--mode", mode,
                   "on-cpu: samples of what runs; off-cpu: every wait, by the stack that waits, for a CPU too; wall: both; "
                   "memory: every page that the kernel gives, mostly at its first touch; growth: address space asked for "
                   "by brk, mmap and mremap; CPython 3.8 to 3.13: allocations: bytes that its allocators hand out, each call; "
                   "in-use: what of them has not been given back at the end")
        ->check(CLI::IsMember({"on-cpu", "off-cpu", "wall", "memory", "growth", "allocations", "in-use"}))
        ->capture_default_str();
    auto* function = app.add_option("--function", arguments.target.function,
                                    "only what invocations of this function did (a glob); without a command or -p, of "
                                    "all executors of the machine");
    app.add_option("--invocation", arguments.target.invocation,
                   "of --function: slowest, an invocation's id, or each: every invocation is a frame of its own")
        ->needs(function);
    app.add_flag("--cost", arguments.target.cost, "say at the end what the profiling itself cost");
    app.add_flag("--kernel", arguments.target.kernel, "with the kernel's frames");
    auto* command = app.add_option("COMMAND", arguments.target.command,
                                   "after --: a program to start and sample, with its arguments");
    app.positionals_at_end();
    auto* from = app.add_option("--from", arguments.from, "folded stacks, plain or .gz; - is standard input");
    auto* diff =
        app.add_option("--diff", arguments.diff,
                       "two files of folded stacks: what was, what is. With --function and no files: its "
                       "slowest 1 % of invocations against the median")
            ->expected(0, 2)
            ->excludes(from);
    from->excludes(pid);
    command->excludes(pid);
    app.add_option("--unit", arguments.unit, "of the weights: samples, ns or bytes")
        ->check(CLI::IsMember(kUnits))
        ->capture_default_str();
    app.add_option("--title", arguments.title, "headline of the picture");
    app.add_option("-o,--output", arguments.out,
                   "write there; the end says how: .html .svg .folded .folded.gz .pb.gz .speedscope.json "
                   ".perfetto-trace .chrome.json .json (may be given several times; none: a call tree on "
                   "standard output)");
    app.add_flag("--json", arguments.json, "one JSON object on standard output");
    app.add_flag("--icicle", arguments.look.icicle, "flame graphs begin with their root at the top");
    std::string colour = "package";
    app.add_option("--colour,--color", colour,
                   "what colours of flame graphs tell at first: package or runtime")
        ->check(CLI::IsMember({"package", "runtime"}))
        ->capture_default_str();
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    if (colour == "runtime") arguments.look.colour = render::FlameColour::runtime;
    if (const auto python = kPythonModes.find(mode); python != kPythonModes.end()) {
        arguments.target.python_memory = python->second;
        for (const char* option : {"--hz", "--cost"})
            if (app.count(option) > 0)
                return failed_with({Errc::invalid_argument, "--mode " + mode + " tells each allocation, in the process itself: it takes no " + option});
        if (arguments.target.kernel)
            return failed_with({Errc::invalid_argument,
                                "--mode " + mode + " is added up within the process, by Python stack: it knows no kernel frames"});
        if (python->second == PythonMemory::in_use && !arguments.target.function.empty())
            return failed_with({Errc::invalid_argument,
                                "--mode in-use takes no --function: what is in use is the process's, and outlives the invocation "
                                "that made it; --mode allocations tells what each was given"});
    } else {
        arguments.target.mode = kModes.at(mode);
    }
    const bool live = !arguments.target.pids.empty() || !arguments.target.command.empty() ||
                      !arguments.target.function.empty();
    const bool slow = diff->count() > 0 && (arguments.diff.empty() || arguments.diff.front().empty() ||
                                            arguments.diff == std::vector<std::string>{kSlowAgainstMedian});
    if (slow) {
        arguments.diff.clear();
        if (arguments.target.function.empty() || !arguments.target.invocation.empty())
            return failed_with(
                {Errc::invalid_argument, "--diff needs two files, or a --function without --invocation"});
        arguments.target.invocation = kSlowAgainstMedian;
    }
    if (arguments.diff.size() == 1)
        return failed_with({Errc::invalid_argument, "--diff needs two files: what was, what is"});
    const bool files = !arguments.from.empty() || !arguments.diff.empty();
    if (live == files) {
        std::fprintf(
            stderr,
            "autotune profile: %s: a command behind --, -p PID, --function NAME, --from FILE, or --diff BEFORE AFTER; see "
            "autotune profile --help\n",
            live ? "one thing at a time" : "nothing to draw");
        return kUsage;
    }
    for (const std::string& path : arguments.out)  // before hours of work
        if (const auto format = format_of(path); !format) return failed_with(format.error());
    if (live) return sample(arguments);
    auto profile = profile_of(arguments);
    if (!profile) return failed_with(profile.error());
    return draw(arguments, *std::move(profile));
}

}  // namespace autotune::cli
