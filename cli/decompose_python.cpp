#include "cli/decompose_python.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/traced_command.hpp"
#include "os/file.hpp"
#include "os/owned_folder.hpp"
#include "runtimes/decompose.hpp"

namespace autotune::cli {

namespace {

namespace fs = std::filesystem;

Status write_tool(const fs::path& folder) {
    for (const runtimes::ToolFile& file : runtimes::decompose_files()) {
        const fs::path path = folder / file.path;
        std::error_code trouble;
        fs::create_directories(path.parent_path(), trouble);
        if (trouble) return unexpected(errno_error("making " + path.parent_path().string(), trouble.value()));
        if (Status written = replace_file(path, file.content); !written) return written;
    }
    return ok();
}

int failed_with(const Error& error) {
    std::fprintf(stderr, "autotune decompose: %s\n", error.message.c_str());
    return kFailed;
}

}  // namespace

int decompose_python(const DecomposePython& wish) {
    const char* place = std::getenv("TMPDIR");
    auto folder = OwnedFolder::make(place != nullptr && *place != '\0' ? place : "/tmp");
    if (!folder) return failed_with(folder.error());
    if (const Status written = write_tool(folder->path()); !written) return failed_with(written.error());
    // -E and -s: the user's own settings and packages are not the tool's.
    std::vector<std::string> argv{wish.interpreter, "-E", "-s", folder->path() + "/autotune_decompose",
                                  "--entry=" + wish.entry, "--depth=" + wish.depth, "--package=" + wish.package,
                                  "--qualifier=" + wish.alias, "--memory=" + std::to_string(wish.memory_mb),
                                  "--timeout=" + std::to_string(wish.timeout_s)};
    if (wish.json) argv.emplace_back("--json");
    argv.emplace_back("--");
    argv.push_back(wish.program);
    auto tool = TracedCommand::prepare(argv, {});
    if (!tool) return failed_with(tool.error().with_context("--python"));
    if (const Status released = tool->release(); !released) return failed_with(released.error());
    const ExitStatus ended = tool->wait();
    return ended.signal == 0 && ended.code <= kFindings ? ended.code : kFailed;
}

}  // namespace autotune::cli
