#include "cli/fuse_warnings.hpp"

#include <set>
#include <string_view>
#include <system_error>

#include "exporters/render/text.hpp"
#include "host/control/manifest.hpp"
#include "os/plain_file.hpp"

namespace autotune::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestScript = 32u << 20;  // larger is no program that somebody wrote

// Libraries find their own files beside their code.
bool is_library(const fs::path& folder) {
    const fs::path name = folder.filename(), ending = folder.extension();
    return name == "node_modules" || name == "__pycache__" || name.native().starts_with('.') || ending == ".dist-info" ||
           ending == ".egg-info" || is_plain_file(folder / "__init__.py");
}

bool is_script(const fs::path& file) {
    return file.extension() == ".js" || file.extension() == ".mjs" || file.extension() == ".cjs";
}

// What no program opens, or only by way of its runtime.
bool is_data(const fs::path& file) {
    static const std::set<fs::path> kCode{".py", ".pyc", ".pyi", ".so", ".ts", ".map", ".node", ".md", ".pth"};
    static const std::set<fs::path> kNames{host::manifest_file, "package.json", "package-lock.json", "tsconfig.json",
                                           "requirements.txt", "LICENSE"};
    return !is_script(file) && !kCode.contains(file.extension()) && !kNames.contains(file.filename()) &&
           !file.filename().native().starts_with('.');
}

// Whether it asks its runtime for the SDK, which is when the dispatcher sees it; in a bundle it is named, but not asked for.
bool loads_sdk(std::string_view code) {
    constexpr std::string_view kSdk = "@aws-sdk/client-lambda";
    for (std::size_t at = code.find(kSdk); at != code.npos; at = code.find(kSdk, at + kSdk.size())) {
        std::string_view before = code.substr(0, at);
        before = before.substr(0, before.find_last_not_of("\"'`( ") + 1);
        for (const std::string_view word : {"require", "import", "from"})
            if (before.ends_with(word)) return true;
    }
    return false;
}

}  // namespace

FuseHints hints_of(const std::string& function, const fs::path& folder) {
    std::set<fs::path> data;
    bool invokes = false, loads = false;
    std::error_code trouble;
    for (fs::recursive_directory_iterator at(folder, trouble), end; !trouble && at != end; at.increment(trouble)) {
        if (is_plain_folder(at->path())) {
            if (is_library(at->path())) at.disable_recursion_pending();
        } else if (!is_plain_file(at->path())) {
            continue;  // what a link leads to is looked at where it is
        } else if (is_data(at->path())) {
            data.insert(at->path().lexically_relative(folder));
        } else if (is_script(at->path())) {
            const auto code = read_plain_file(at->path(), kLargestScript);
            invokes = invokes || (code && code->find("InvokeCommand") != code->npos);
            loads = loads || (code && loads_sdk(*code));
        }
    }
    FuseHints out;
    if (!data.empty())
        out.warnings.push_back(function + " has files that are no code (" + render::json_string(data.begin()->string()) +
                               (data.size() > 1 ? " and " + std::to_string(data.size() - 1) + " more" : "") +
                               "): they are found beside its code, not in the working folder");
    if (invokes && !loads)
        out.bundled_sdk = function + " seems to have the AWS SDK within its own file, by a bundler: its calls go out as "
                                     "before, and what was predicted of them is not saved";
    return out;
}

}  // namespace autotune::cli
