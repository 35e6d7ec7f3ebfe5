// autotune profile: flame graphs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/profile_files.hpp"
#include "exporters/render/call_tree_text.hpp"

namespace autotune::cli {

namespace {

struct Arguments {
    std::string from;
    std::vector<std::string> diff;
    std::string unit = "samples";
    std::string title;
    std::vector<std::string> out;
};

const std::map<std::string, ProfileUnit> kUnits{
    {"samples", ProfileUnit::count}, {"ns", ProfileUnit::nanoseconds}, {"bytes", ProfileUnit::bytes}};

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

}  // namespace

int profile_command(int argc, char** argv) {
    CLI::App app("Draws flame graphs and exports profiles", argv[0]);
    app.footer(
        "examples:\n"
        "  perf script | stackcollapse-perf.pl | autotune profile --from - -o out.html\n"
        "  autotune profile --from stacks.folded.gz -o out.svg -o out.pb.gz -o out.speedscope.json\n"
        "  autotune profile --diff before.folded after.folded -o change.html\n"
        "  autotune profile --from stacks.folded          # a call tree on the terminal");
    Arguments arguments;
    auto* from = app.add_option("--from", arguments.from, "folded stacks, plain or .gz; - is standard input");
    app.add_option("--diff", arguments.diff, "two files of folded stacks: what was, what is")
        ->expected(2)
        ->excludes(from);
    app.add_option("--unit", arguments.unit, "of the weights: samples, ns or bytes")
        ->check(CLI::IsMember(kUnits))
        ->capture_default_str();
    app.add_option("--title", arguments.title, "headline of the picture");
    app.add_option(
        "-o,--output", arguments.out,
        "write there; the end says how: .html .svg .folded .folded.gz .pb.gz .speedscope.json (may be "
        "given several times; none: a call tree on standard output)");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    if (arguments.from.empty() && arguments.diff.empty()) {
        std::fprintf(stderr,
                     "autotune profile: nothing to draw: --from FILE or --diff BEFORE AFTER; see autotune "
                     "profile --help\n");
        return kUsage;
    }
    for (const std::string& path : arguments.out)  // before hours of work
        if (const auto format = format_of(path); !format) return failed_with(format.error());
    auto profile = profile_of(arguments);
    if (!profile) return failed_with(profile.error());
    if (!arguments.title.empty()) profile->title = arguments.title;
    if (arguments.out.empty()) std::fputs(render::call_tree_text(*profile).c_str(), stdout);
    for (const std::string& path : arguments.out)
        if (Status s = write_profile(*profile, path); !s) return failed_with(s.error());
    return kDone;
}

}  // namespace autotune::cli
