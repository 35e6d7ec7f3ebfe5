#include "host/control/persistence.hpp"

#include <nlohmann/json.hpp>

#include "host/control/digest.hpp"
#include "host/control/state_files.hpp"
#include "os/file.hpp"

namespace autotune::host {

namespace fs = std::filesystem;
using nlohmann::json;

// The format of the files. A change that older hosts cannot read gets a new number.
constexpr int format_version = 1;

// Found by nlohmann's macros and conversions, which look in the values' namespace.
static void to_json(json& j, const AttachedLayer& a) {
    j = {{"arn", a.arn}, {"code_sha256", a.code.sha256}, {"code_size", a.code.size}};
}

static void from_json(const json& j, AttachedLayer& a) {
    j.at("arn").get_to(a.arn);
    j.at("code_sha256").get_to(a.code.sha256);
    j.at("code_size").get_to(a.code.size);
}

static void to_json(json& j, const Configuration& c) {
    const auto& s = c.settings;
    j = {{"function", c.function},         {"version", c.version},
         {"description", c.description},   {"runtime", s.runtime},
         {"handler", s.handler},           {"role", s.role},
         {"architecture", s.architecture}, {"memory_mb", s.memory_mb},
         {"timeout_s", s.timeout_s},       {"ephemeral_mb", s.ephemeral_mb},
         {"tracing", s.tracing},           {"environment", s.environment},
         {"code_sha256", c.code.sha256},   {"code_size", c.code.size},
         {"layers", s.layers},
         {"revision_id", c.revision_id},   {"last_modified_ns", c.last_modified.time_since_epoch().count()}};
}

static void from_json(const json& j, Configuration& c) {
    auto& s = c.settings;
    j.at("function").get_to(c.function);
    j.at("version").get_to(c.version);
    j.at("description").get_to(c.description);
    j.at("runtime").get_to(s.runtime);
    j.at("handler").get_to(s.handler);
    j.at("role").get_to(s.role);
    j.at("architecture").get_to(s.architecture);
    j.at("memory_mb").get_to(s.memory_mb);
    j.at("timeout_s").get_to(s.timeout_s);
    j.at("ephemeral_mb").get_to(s.ephemeral_mb);
    j.at("tracing").get_to(s.tracing);
    j.at("environment").get_to(s.environment);
    if (j.contains("layers")) j["layers"].get_to(s.layers);  // of older hosts: none
    j.at("code_sha256").get_to(c.code.sha256);
    j.at("code_size").get_to(c.code.size);
    j.at("revision_id").get_to(c.revision_id);
    c.last_modified = WallTime(Nanos(j.at("last_modified_ns").get<std::int64_t>()));
}

static void to_json(json& j, const Alias& a) {
    j = {{"name", a.name},
         {"version", a.version},
         {"description", a.description},
         {"revision_id", a.revision_id}};
    if (a.additional) {
        j["additional"] = *a.additional;
        j["weight"] = a.weight;
    }
}

static void from_json(const json& j, Alias& a) {
    j.at("name").get_to(a.name);
    j.at("version").get_to(a.version);
    j.at("description").get_to(a.description);
    j.at("revision_id").get_to(a.revision_id);
    if (!j.contains("additional")) return;
    a.additional = j.at("additional").get<std::string>();
    j.at("weight").get_to(a.weight);
}

namespace {

std::string encode(const Function& function) {
    json j{{"format", format_version},  {"latest", function.latest}, {"next_version", function.next_version},
           {"versions", json::array()}, {"aliases", json::array()},  {"tags", function.tags},
           {"origin", function.origin}};
    for (const auto& [number, version] : function.versions) j["versions"].push_back(version);
    for (const auto& [name, alias] : function.aliases) j["aliases"].push_back(alias);
    if (function.reserved_concurrency) j["reserved_concurrency"] = *function.reserved_concurrency;
    for (const auto& [qualifier, provisioned] : function.provisioned)
        j["provisioned"][qualifier] = {{"count", provisioned.count},
                                       {"last_modified_ns", provisioned.last_modified.time_since_epoch().count()}};
    return j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Function> decode(std::string_view text) try {
    const auto j = json::parse(text);
    if (j.at("format") != format_version)
        return fail(Errc::corrupt, "written by another version of autotune");
    Function function;
    j.at("latest").get_to(function.latest);
    j.at("next_version").get_to(function.next_version);
    j.at("tags").get_to(function.tags);
    j.at("origin").get_to(function.origin);
    for (const auto& version : j.at("versions")) {
        auto c = version.get<Configuration>();
        const auto number = std::stoull(c.version);
        function.versions.emplace(number, std::move(c));
    }
    for (const auto& item : j.at("aliases")) {
        auto alias = item.get<Alias>();
        auto name = alias.name;
        function.aliases.emplace(std::move(name), std::move(alias));
    }
    if (j.contains("reserved_concurrency"))
        function.reserved_concurrency = j["reserved_concurrency"].get<std::uint32_t>();
    if (j.contains("provisioned"))  // older hosts had none
        for (const auto& [qualifier, p] : j["provisioned"].items())
            function.provisioned[qualifier] = {p.at("count").get<std::uint32_t>(),
                                               WallTime(Nanos(p.at("last_modified_ns").get<std::int64_t>()))};
    return function;
} catch (const std::exception& error) {  // nlohmann's, and std::stoull's
    return fail(Errc::corrupt, error.what());
}

Status make_folder(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return fail(Errc::unavailable, "creating " + path.string() + ": " + error.message());
    return ok();
}

}  // namespace

Result<StateFolder> StateFolder::open(fs::path folder) {
    for (const auto* part : {"functions", "code", "layers", "opt"})
        if (auto made = make_folder(folder / part); !made) return made.forward();
    return StateFolder(fs::absolute(folder));
}

Result<std::vector<Function>> StateFolder::load() const {
    return load_each(folder_ / "functions", decode);
}

Status StateFolder::save(const Function& function) const {
    return replace_file(folder_ / "functions" / (function.latest.function + ".json"), encode(function));
}

Status StateFolder::remove(std::string_view function) const {
    const auto path = folder_ / "functions" / (std::string(function) + ".json");
    std::error_code error;
    fs::remove(path, error);
    if (error) return fail(Errc::unavailable, "removing " + path.string() + ": " + error.message());
    return ok();
}

Result<Code> StateFolder::put_code(std::string_view zip, const PackageLimits& limits) const {
    Code code{sha256_base64(zip), zip.size()};
    const auto folder = code_folder(code.sha256);
    auto archive = folder;
    archive += ".zip";
    std::error_code error;
    if (fs::exists(folder, error) && fs::exists(archive, error)) return code;
    fs::remove_all(folder, error);
    if (auto unpacked = unpack(zip, folder, limits); !unpacked) return unpacked.forward();
    if (auto written = replace_file(archive, zip); !written) return written.forward();
    return code;
}

fs::path StateFolder::code_folder(std::string_view sha256) const {
    return folder_ / "code" / file_name_of(sha256);
}

Result<std::string> StateFolder::code_zip(std::string_view file_name) const {
    if (file_name.find('/') != std::string_view::npos || !file_name.ends_with(".zip"))
        return fail(Errc::not_found, "no such package");
    return read_file(folder_ / "code" / file_name);
}

void StateFolder::sweep(const std::set<std::string>& code, const std::vector<std::vector<AttachedLayer>>& layers) const {
    std::set<std::string> packages, laid;
    for (const auto& sha256 : code) packages.insert(file_name_of(sha256));
    for (const auto& of_one : layers)
        if (of_one.size() > 1) laid.insert(layers_folder(of_one).filename().string());
    const auto keep_only = [&](const char* part, const std::set<std::string>& names) {
        std::error_code error;
        std::vector<fs::path> superfluous;
        for (const auto& entry : fs::directory_iterator(folder_ / part, error))
            if (!names.contains(entry.path().stem().string()) || entry.path().extension() == ".part")
                superfluous.push_back(entry.path());
        for (const auto& path : superfluous) fs::remove_all(path, error);
    };
    keep_only("code", packages);
    keep_only("opt", laid);
}

}  // namespace autotune::host
