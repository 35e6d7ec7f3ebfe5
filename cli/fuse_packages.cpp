#include "cli/fuse_packages.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "cli/fuse_warnings.hpp"
#include "cli/group_code.hpp"
#include "exporters/render/text.hpp"
#include "host/control/arn.hpp"
#include "host/control/manifest.hpp"
#include "host/control/package.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

namespace fs = std::filesystem;

// Names come from a log that others wrote, and become those of files.
Status check_names(const FuseVerdict& verdict, const rules::Group& group) {
    for (const rules::FunctionId f : group) {
        const std::string& name = verdict.log.functions[f];
        if (const auto parsed = host::parse_function_name(name, {}); !parsed || parsed->name != name)
            return fail(Errc::invalid_argument, render::json_string(name) + " is no function name: up to 64 letters, digits, - and _");
    }
    return ok();
}

Result<GroupMember> member_of(const std::string& name, const fs::path& functions, std::map<std::string, std::string>& variables) {
    const fs::path folder = functions / name, file = folder / host::manifest_file;
    const auto text = read_file(file);
    if (!text) return fail(Errc::invalid_argument, name + ": " + text.error().message);
    const auto manifest = host::parse_manifest(*text, file, host::Runtimes::any);
    if (!manifest) return manifest.forward();
    const auto& settings = manifest->function.settings;
    const bool is_node = settings.runtime.starts_with("nodejs");
    if (!is_node && !settings.runtime.starts_with("python3"))
        return fail(Errc::invalid_argument,
                    name + " runs on " + settings.runtime + ": groups can be made of Python 3 and of Node.js only");
    for (const auto& [key, value] : settings.environment)
        if (const auto [at, fresh] = variables.emplace(key, value); !fresh && at->second != value)
            return fail(Errc::invalid_argument, name + " has another value of " + key + " than a function that is to be with it");
    return GroupMember{
        .name = name, .handler = settings.handler, .is_node = is_node, .timeout_s = settings.timeout_s, .code = functions / name};
}

// Functions of the group that somebody else calls, or that are called without being waited for.
std::set<std::string> entries_of(const FuseVerdict& verdict, const rules::Group& group) {
    std::set<std::string> entries;
    const auto is_in = [&](rules::FunctionId f) { return std::binary_search(group.begin(), group.end(), f); };
    using Reached = rules::RecordedInvocation::Reached;
    for (const rules::Trace& trace : verdict.log.traces)
        for (const rules::RecordedInvocation& made : trace.invocations) {
            if (is_in(made.function) && (made.reached == Reached::root || made.reached == Reached::asynchronous))
                entries.insert(verdict.log.functions[made.function]);
            for (const rules::RecordedCall& call : made.calls)
                if (is_in(call.callee) && (!is_in(made.function) || !call.sync)) entries.insert(verdict.log.functions[call.callee]);
        }
    return entries;
}

Status write_zip(const fs::path& path, const Result<std::string>& zip) {
    return zip ? replace_file(path, *zip) : Status(zip.forward(path.string()));
}

Status write_group(const FuseVerdict& verdict, std::size_t g, const fs::path& functions, const fs::path& folder,
                   std::vector<GroupPackage>& out) {
    const rules::Group& group = verdict.plan.groups[g];
    GroupCode code;
    std::vector<std::string> names, warnings;
    for (const rules::FunctionId f : group) {
        auto member = member_of(verdict.log.functions[f], functions, code.variables);
        if (!member) return member.forward();
        names.push_back(member->name);
        FuseHints hints = hints_of(member->name, member->code);
        std::ranges::move(hints.warnings, std::back_inserter(warnings));
        if (!hints.bundled_sdk.empty()) warnings.push_back(std::move(hints.bundled_sdk));
        code.members.push_back(*std::move(member));
    }
    for (const std::string& entry : entries_of(verdict, group)) {
        GroupPackage package{.function = entry,
                             .members = names,
                             .zip = folder / (entry + ".zip"),
                             .original = folder / (entry + ".original.zip"),
                             .memory_mb = verdict.plan.memory_mb[g],
                             .warnings = warnings};
        const auto zip = pack_group(code, entry);
        if (!zip) return zip.forward();
        if (Status s = write_zip(package.zip, zip); !s) return s;
        if (Status s = write_zip(package.original, host::pack(functions / entry, host::manifest_file)); !s) return s;
        out.push_back(std::move(package));
    }
    return ok();
}

}  // namespace

Result<std::vector<GroupPackage>> write_packages(const FuseVerdict& verdict, const fs::path& functions, const fs::path& folder) {
    for (const rules::Group& group : verdict.plan.groups)
        if (group.size() > 1)
            if (Status s = check_names(verdict, group); !s) return s.forward();
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return unexpected(errno_error("making " + folder.string(), trouble.value()));
    std::vector<GroupPackage> packages;
    for (std::size_t g = 0; g < verdict.plan.groups.size(); ++g)
        if (verdict.plan.groups[g].size() > 1)
            if (Status s = write_group(verdict, g, functions, folder, packages); !s) return s.forward();
    return packages;
}

std::string deployment_of(const std::vector<GroupPackage>& packages) {
    std::string text;
    for (const GroupPackage& p : packages) {
        std::string members;
        for (const std::string& name : p.members) members += (members.empty() ? "" : ", ") + name;
        text += "# " + p.function + ": " + members + "\n";
        for (const std::string& warning : p.warnings) text += "# warning: " + warning + "\n";
        text += "aws lambda update-function-code --function-name " + p.function +
                " --zip-file fileb://" + p.zip.string() + "\naws lambda update-function-configuration --function-name " +
                p.function + " --handler autotune_group.handler --memory-size " +
                std::to_string(static_cast<std::uint64_t>(p.memory_mb)) + "\n# back: the code of " + p.original.string() +
                ", its own handler and size\n";
    }
    return text;
}

}  // namespace autotune::cli
