// autotune decompose: a program as functions that call each other.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/decompose_java.hpp"
#include "cli/decompose_python.hpp"
#include "cli/exit_status.hpp"

namespace autotune::cli {

namespace {

struct Arguments {
    std::string program, out;
    DecomposePython python;
};

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune decompose: %s\n", message.c_str());
    return status;
}

int run(const Arguments& arguments) {
    const std::string_view program = arguments.program;
    if (program.ends_with(".java")) return decompose_java(arguments.program, arguments.out);
    if (!program.ends_with(".py")) return failed_with("a file that ends in .py or .java is needed, not " + arguments.program, kUsage);
    if (arguments.python.package.empty()) return failed_with("--package DIR is needed: where the functions are to be written", kUsage);
    if (!arguments.out.empty()) return failed_with("-o is for Java; Python's functions go to --package", kUsage);
    return decompose_python(arguments.python);
}

}  // namespace

int decompose_command(int argc, char** argv) {
    CLI::App app("Takes a program apart: functions that call each other by Invoke, and answer as the program did", argv[0]);
    app.footer(
        "examples:\n"
        "  autotune decompose shop.py --package ./functions                       # main, and each function it calls\n"
        "  autotune decompose shop.py --entry handler --depth shallow --package ./functions    # a function a file\n"
        "  autotune decompose shop.py --depth deep --package ./functions --json   # loops as functions, too\n"
        "  autotune host --functions ./functions                                  # runs them\n"
        "  autotune decompose Shop.java | patch -p1                               # a handler for each @Lambda method\n\n"
        "What cannot be moved stays where it is called, and is told on stderr as file:line:column: why (docs/decomposition.md).\n"
        "Exit status: 0 done, 3 done but for what stays, 2 the program or the options, 1 failed.");
    Arguments arguments;
    DecomposePython& python = arguments.python;
    app.add_option("program", arguments.program, "FILE.py, with the modules beside it; or FILE.java, with @Lambda(memory = MB, timeout = S)")
        ->required()
        ->type_name("FILE");
    app.add_option("--entry", python.entry, "the function that is called from outside")->capture_default_str();
    app.add_option("--depth", python.depth, "shallow: a file; medium: each function; deep: loops as well")
        ->check(CLI::IsMember({"shallow", "medium", "deep"}))
        ->capture_default_str();
    app.add_option("--package", python.package, "write a folder for each function there, as autotune host takes it; must be new or empty")
        ->type_name("DIR");
    app.add_option("--memory", python.memory_mb, "MB of each function")->check(CLI::Range(128, 10240))->capture_default_str();
    app.add_option("--timeout", python.timeout_s, "seconds of each function; the entry waits for all others")
        ->check(CLI::Range(1, 900))
        ->capture_default_str();
    app.add_option("--alias", python.alias, "by which functions are called; \"\" for none")->capture_default_str();
    app.add_option("--python", python.interpreter, "Python 3.10 or newer that reads the program; it does not run it")->capture_default_str();
    app.add_flag("--json", python.json, "the functions and what stays as one JSON object");
    app.add_option("-o,--output", arguments.out, "write the patch (Java) there");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    python.program = arguments.program;
    return run(arguments);
}

}  // namespace autotune::cli
