#include "cli/doctor_command.hpp"

#include <ostream>
#include <string_view>

#include "agent/doctor/doctor.hpp"
#include "cli/doctor_report.hpp"
#include "cli/exit_status.hpp"
#include "cli/terminal.hpp"

namespace autotune::cli {

namespace {

constexpr std::string_view kUsageText =
    "usage: autotune doctor [--json]\n\n"
    "Says what this kernel and this user allow, which backend will be used, what is missing, what still\n"
    "works, how to get the rest, and what a probe costs on this machine. Changes nothing.\n\n"
    "  --json   one JSON object on standard output\n\n"
    "examples:\n"
    "  sudo autotune doctor\n"
    "  autotune doctor --json | jq '.checks[] | select(.status != \"ok\")'\n\n"
    "Exit status: 0 the eBPF backend works, 3 something that it needs is missing, 2 usage.\n";

}  // namespace

int doctor_command(std::span<const std::string> arguments, std::ostream& out, std::ostream& err) {
    bool json = false;
    for (const std::string& argument : arguments) {
        if (argument == "--help" || argument == "-h") {
            out << kUsageText;
            return kDone;
        }
        if (argument != "--json") {
            err << "autotune doctor: there is no argument \"" << argument
                << "\"; see autotune doctor --help\n";
            return kUsage;
        }
        json = true;
    }
    const doctor::Diagnosis diagnosis = doctor::diagnose();
    if (json)
        out << doctor_json(diagnosis) << '\n';
    else
        out << doctor_table(diagnosis, marks_of_locale(), colour_of_terminal());
    return diagnosis.bpf_works() ? kDone : kFindings;
}

}  // namespace autotune::cli
