// autotune: finds the command and hands over.
#include <array>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/doctor_command.hpp"
#include "cli/exit_status.hpp"
#include "cli/host_command.hpp"
#include "cli/rules_command.hpp"

namespace {

struct Command {
    std::string_view name;
    std::string_view summary;
    int (*run)(int argc, char** argv);
};

int doctor(int argc, char** argv) {
    return autotune::cli::doctor_command(std::vector<std::string>(argv + 1, argv + argc), std::cout,
                                         std::cerr);
}

constexpr std::array kCommands{
    Command{"run", "watch, explain and repair functions by the rules of a file (the default)",
            autotune::cli::run_command},
    Command{"host", "run functions on this machine behind AWS Lambda's API", autotune::host_command},
    Command{"trace", "every call, byte and wait of invocations, of a process or of a command",
            autotune::cli::trace_command},
    Command{"profile", "flame graphs: of a command, a process or a file of stacks, and of what changed",
            autotune::cli::profile_command},
    Command{"topology", "who calls whom: live, in a recording, or from tables of flows or calls",
            autotune::cli::topology_command},
    Command{"cost", "what an application costs, and would cost (CostHat)", autotune::cli::cost_command},
    Command{"canary", "whether a canary may replace the version that serves, from pairs of calls",
            autotune::cli::canary_command},
    Command{"catalogue", "symptoms, where their evidence is, what helps, and what became of it here",
            autotune::cli::catalogue_command},
    Command{"size", "which memory size a function should have, from a table of calls",
            autotune::cli::size_command},
    Command{"fuse", "which functions should be one, which should be split, and what that saves",
            autotune::cli::fuse_command},
    Command{"decompose", "a program as functions that call each other: Python as packages, Java as a patch",
            autotune::cli::decompose_command},
    Command{"rules", "check and test rules files, and try their expressions", autotune::rules_command},
    Command{"plan", "what the rules would do now, and why; nothing is changed", autotune::cli::plan_command},
    Command{"explain", "one change: why, on which evidence, what was predicted and what came of it",
            autotune::cli::explain_command},
    Command{"apply", "carry out what plan shows, behind the canary", autotune::cli::apply_command},
    Command{"rollback", "take a change back, also one that was promoted", autotune::cli::rollback_command},
    Command{"approve", "let a change begin that waits for an approval", autotune::cli::approve_command},
    Command{"deploy", "new code for a function, behind the same canary as any other change", autotune::cli::deploy_command},
    Command{"history", "what was changed, why and with which proof; invocations on record",
            autotune::cli::history_command},
    Command{"doctor", "what this kernel and user allow, what will be used, what it costs", doctor},
};

void print_help(std::FILE* to) {
    std::fputs(
        "autotune watches serverless functions run, explains where time and memory went, and repairs\n"
        "what a rule lets it repair, behind a canary.\n\n"
        "usage: autotune --rules FILE [OPTIONS]     the loop (short for: autotune run --rules FILE)\n"
        "       autotune COMMAND [OPTIONS]\n\ncommands:\n",
        to);
    for (const Command& c : kCommands)
        std::fprintf(to, "  %-9s %s\n", std::string(c.name).c_str(), std::string(c.summary).c_str());
    std::fputs(
        "\nexamples:\n"
        "  autotune doctor\n"
        "  autotune rules check rules.yaml\n"
        "  autotune host --functions ./functions\n"
        "  AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:9000 autotune --rules rules.yaml --mode apply\n\n"
        "`autotune COMMAND --help` tells more. Exit status: 0 done, 1 failed, 2 usage or configuration,\n"
        "3 findings.\n",
        to);
}

// argv for the command: its full name first, then its own arguments.
int dispatch(const Command& command, int argc, char** argv, int skip) {
    std::string name = "autotune " + std::string(command.name);
    std::vector<char*> own{name.data()};
    for (int i = skip; i < argc; ++i) own.push_back(argv[i]);
    own.push_back(nullptr);
    return command.run(static_cast<int>(own.size()) - 1, own.data());
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view first = argc > 1 ? argv[1] : "";
    if (first == "--help" || first == "-h" || first == "help")
        return print_help(stdout), autotune::cli::kDone;
    if (first == "--version") return std::puts("autotune " AUTOTUNE_VERSION), autotune::cli::kDone;
    if (first.empty()) return print_help(stderr), autotune::cli::kUsage;
    if (first.starts_with("-")) return dispatch(kCommands[0], argc, argv, 1);
    for (const Command& c : kCommands)
        if (c.name == first) return dispatch(c, argc, argv, 2);
    std::fprintf(stderr, "autotune: there is no command \"%s\"; see autotune --help\n", argv[1]);
    return autotune::cli::kUsage;
}
