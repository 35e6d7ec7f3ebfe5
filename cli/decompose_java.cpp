#include "cli/decompose_java.hpp"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "cli/exit_status.hpp"
#include "cli/text_output.hpp"
#include "os/file.hpp"
#include "rules/java/proposal.hpp"

namespace autotune::cli {

namespace {

namespace fs = std::filesystem;

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune decompose: %s\n", message.c_str());
    return status;
}

}  // namespace

int decompose_java(const std::string& program, const std::string& out) {
    const auto text = read_file(program);
    if (!text) return failed_with(text.error().message, kUsage);
    const rules::JavaFile file = rules::read_java(*text);
    for (const rules::Diagnostic& d : file.diagnostics) std::fprintf(stderr, "%s\n", rules::format(d, program).c_str());
    if (!file.diagnostics.empty()) return kUsage;
    if (file.functions.empty())
        return failed_with(program + " has no method with @Lambda(memory = MB, timeout = SECONDS): nothing is proposed", kFindings);
    std::error_code trouble;
    const fs::path here = fs::current_path(trouble);
    fs::path relative = fs::absolute(program, trouble).lexically_normal().lexically_relative(here);
    if (relative.empty() || *relative.begin() == "..")
        return failed_with(program + " is not below this folder: the patch is of files below it, for patch -p1", kUsage);
    const auto files = rules::propose_functions(file, relative.generic_string());
    for (const rules::NewFile& made : files)
        if (fs::exists(here / made.path, trouble)) return failed_with(made.path + " is there already; it is not proposed again", kUsage);
    const Status written = write_text(out, rules::patch_of(files));
    return written ? kDone : failed_with(written.error().message, kFailed);
}

}  // namespace autotune::cli
