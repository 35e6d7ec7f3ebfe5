#include "host/control/deploy.hpp"

#include <algorithm>
#include <vector>

#include "host/control/digest.hpp"
#include "host/control/manifest.hpp"
#include "os/file.hpp"

namespace autotune::host {
namespace {

namespace fs = std::filesystem;
using Note = std::function<void(std::string_view)>;

Result<std::vector<fs::path>> function_folders(const fs::path& directory) {
    std::error_code error;
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(directory, error))
        if (fs::exists(entry.path() / manifest_file, error)) folders.push_back(entry.path());
    if (error) return fail(Errc::not_found, "reading " + directory.string() + ": " + error.message());
    std::sort(folders.begin(), folders.end());
    return folders;
}

Status create(Registry& registry, const Manifest& manifest, std::string zip, const Note& note) {
    auto created = registry.create({manifest.function, std::move(zip), Publish::no});
    if (!created) return created.forward();
    note("created " + manifest.function.name + " (" + manifest.function.settings.runtime + ", " +
         std::to_string(manifest.function.settings.memory_mb) + " MB)");
    return ok();
}

Status update(Registry& registry, const Manifest& manifest, std::string zip, const Note& note) {
    const auto& name = manifest.function.name;
    const auto& settings = manifest.function.settings;
    if (auto updated = registry.update_code(name, {std::move(zip), {}, Publish::no, DryRun::no}); !updated)
        return updated.forward();
    UpdateSettingsRequest request;
    request.delta.runtime = settings.runtime;
    request.delta.handler = settings.handler;
    request.delta.role = settings.role;
    request.delta.description = manifest.function.description;
    request.delta.memory_mb = settings.memory_mb;
    request.delta.timeout_s = settings.timeout_s;
    request.delta.environment = settings.environment;
    if (auto updated = registry.update_settings(name, request); !updated) return updated.forward();
    if (auto tagged = registry.tag(name, manifest.function.tags); !tagged) return tagged;
    note("updated $LATEST of " + name);
    return ok();
}

Status make_alias(Registry& registry, const std::string& name, const std::string& alias,
                  std::uint64_t version, const Note& note) {
    const auto found = registry.store().find(name);
    if (!found) return found.forward();
    const auto& function = found->get();
    if (function.aliases.contains(alias)) return ok();
    if (!function.versions.contains(version)) {
        if (version != function.next_version)
            return fail(Errc::invalid_argument,
                        "alias " + alias + " wants version " + std::to_string(version) +
                            ", but the next one to publish is " + std::to_string(function.next_version));
        if (auto published = registry.publish(name, {}); !published) return published.forward();
    }
    AliasChange wanted;
    wanted.name = alias;
    wanted.version = std::to_string(version);
    if (auto made = registry.create_alias(name, wanted); !made) return made.forward();
    note("alias " + alias + " of " + name + " is version " + std::to_string(version));
    return ok();
}

Status deploy(Registry& registry, const fs::path& folder, const Note& note) {
    const auto file = folder / manifest_file;
    const auto text = read_file(file);
    if (!text) return text.forward();
    const auto manifest = parse_manifest(*text, file);
    if (!manifest) return manifest.forward();
    auto zip = pack(folder, manifest_file);
    if (!zip) return zip.forward();
    const auto& name = manifest->function.name;
    const auto origin = sha256_base64(sha256_base64(*text) + sha256_base64(*zip));
    const auto known = registry.store().all().find(name);
    Status done;
    if (known == registry.store().all().end())
        done = create(registry, *manifest, *std::move(zip), note);
    else if (known->second.origin != origin)
        done = update(registry, *manifest, *std::move(zip), note);
    for (auto at = manifest->aliases.begin(); done && at != manifest->aliases.end(); ++at)
        done = make_alias(registry, name, at->first, at->second, note);
    // Last: what was not finished is done again at the next start.
    if (done) done = registry.set_origin(name, origin);
    return done ? done : done.forward("deploying " + folder.string());
}

}  // namespace

Status deploy_folders(Registry& registry, const fs::path& directory, const Note& note) {
    const auto folders = function_folders(directory);
    if (!folders) return folders.forward();
    for (const auto& folder : *folders)
        if (auto done = deploy(
                registry, folder, note ? note : [](std::string_view) {});
            !done)
            return done;
    return ok();
}

}  // namespace autotune::host
