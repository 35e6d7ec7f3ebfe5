#include "cli/trace_outputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

namespace autotune::cli {
namespace {

namespace fs = std::filesystem;

Status check_place(const fs::path& wished) {
    std::error_code none;
    const auto status = fs::status(wished, none);
    const auto refuse = [&](int reason) {
        return Status(fail(Errc::invalid_argument, "cannot write " + wished.string() + ": " + std::strerror(reason)));
    };
    if (fs::is_directory(status)) return refuse(EISDIR);
    if (fs::exists(status)) return ::access(wished.c_str(), W_OK) == 0 ? ok() : refuse(errno);
    // A link that leads to nothing yet: there the file will be.
    const fs::path path = fs::is_symlink(fs::symlink_status(wished, none)) ? fs::weakly_canonical(wished, none) : wished;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, none)) return refuse(fs::exists(folder, none) ? ENOTDIR : ENOENT);
    return ::access(folder.c_str(), W_OK | X_OK) == 0 ? ok() : refuse(errno);
}

bool are_one_file(const fs::path& a, const fs::path& b) {
    std::error_code none;
    if (fs::exists(a, none) && !fs::is_regular_file(a, none)) return false;  // a device takes anything
    return fs::weakly_canonical(a, none) == fs::weakly_canonical(b, none) || fs::equivalent(a, b, none);
}

}  // namespace

bool standard_output_is_taken(const TraceRequest& request) {
    return request.record == kStandardOutput || request.chrome == kStandardOutput;
}

Status check_outputs(const TraceRequest& request) {
    const std::array files{&request.recording, &request.output, &request.record, &request.chrome, &request.call_graph};
    const bool report_wants_it = request.output == kStandardOutput || (request.output.empty() && request.json);
    if (std::ranges::count(files, fs::path(kStandardOutput), [](const fs::path* f) { return *f; }) > 1 ||
        (report_wants_it && standard_output_is_taken(request)))
        return fail(Errc::invalid_argument, "standard output takes one thing: name a file for the other");
    for (std::size_t i = 1; i < files.size(); ++i) {
        if (files[i]->empty() || *files[i] == kStandardOutput) continue;
        if (Status s = check_place(*files[i]); !s) return s;
        for (std::size_t k = 0; k < i; ++k)
            if (!files[k]->empty() && are_one_file(*files[k], *files[i]))
                return fail(Errc::invalid_argument, files[i]->string() + ": one file cannot be two things");
    }
    return ok();
}

}  // namespace autotune::cli
