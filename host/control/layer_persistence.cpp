// The part of StateFolder that keeps layers.
#include <nlohmann/json.hpp>

#include "host/control/digest.hpp"
#include "host/control/persistence.hpp"
#include "host/control/state_files.hpp"
#include "os/file.hpp"

namespace autotune::host {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json encode(const LayerVersion& v) {
    return {{"number", v.number},
            {"description", v.description},
            {"license", v.license},
            {"runtimes", v.runtimes},
            {"architectures", v.architectures},
            {"code_sha256", v.code.sha256},
            {"code_size", v.code.size},
            {"created_ns", v.created.time_since_epoch().count()}};
}

Result<LayerHistory> decode(std::string_view text) try {
    const auto j = json::parse(text);
    LayerHistory layer;
    j.at("name").get_to(layer.name);
    j.at("next").get_to(layer.next);
    for (const auto& item : j.at("versions")) {
        LayerVersion v;
        v.name = layer.name;
        item.at("number").get_to(v.number);
        item.at("description").get_to(v.description);
        item.at("license").get_to(v.license);
        item.at("runtimes").get_to(v.runtimes);
        item.at("architectures").get_to(v.architectures);
        item.at("code_sha256").get_to(v.code.sha256);
        item.at("code_size").get_to(v.code.size);
        v.created = WallTime(Nanos(item.at("created_ns").get<std::int64_t>()));
        layer.versions.emplace(v.number, std::move(v));
    }
    return layer;
} catch (const json::exception& error) {
    return fail(Errc::corrupt, error.what());
}

// Lays the files below `from` over those below `to`; a file of an earlier layer is replaced.
Status lay_over(const fs::path& from, const fs::path& to) try {
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
        const auto target = to / entry.path().lexically_relative(from);
        const bool folder = entry.is_directory() && !entry.is_symlink();
        if (folder && fs::is_directory(fs::symlink_status(target))) continue;
        fs::remove_all(target);
        if (folder)
            fs::create_directory(target, entry.path());
        else
            fs::copy(entry.path(), target, fs::copy_options::copy_symlinks);
    }
    return ok();
} catch (const fs::filesystem_error& error) {
    return fail(Errc::unavailable, std::string("laying layers over each other: ") + error.what());
}

}  // namespace

Result<std::vector<LayerHistory>> StateFolder::load_layers() const {
    return load_each(folder_ / "layers", decode);
}

Status StateFolder::save(const LayerHistory& layer) const {
    json j{{"name", layer.name}, {"next", layer.next}, {"versions", json::array()}};
    for (const auto& [number, version] : layer.versions) j["versions"].push_back(encode(version));
    return replace_file(folder_ / "layers" / (layer.name + ".json"),
                        j.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

fs::path StateFolder::layers_folder(const std::vector<AttachedLayer>& layers) const {
    if (layers.empty()) return {};
    if (layers.size() == 1) return code_folder(layers.front().code.sha256);
    std::string all;
    for (const auto& layer : layers) all += layer.code.sha256 + "\n";
    return folder_ / "opt" / file_name_of(sha256_base64(all));
}

Status StateFolder::put_layers(const std::vector<AttachedLayer>& layers) const {
    const auto folder = layers_folder(layers);
    std::error_code error;
    if (layers.size() < 2 || fs::exists(folder, error)) return ok();
    auto unfinished = folder;
    unfinished += ".part";
    fs::remove_all(unfinished, error);
    fs::create_directories(unfinished, error);
    if (error) return fail(Errc::unavailable, "creating " + unfinished.string() + ": " + error.message());
    for (const auto& layer : layers)
        if (auto done = lay_over(code_folder(layer.code.sha256), unfinished); !done) return done;
    fs::rename(unfinished, folder, error);
    if (error) return fail(Errc::unavailable, "renaming to " + folder.string() + ": " + error.message());
    return ok();
}

std::uint64_t StateFolder::unpacked_size(const Code& code) const {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator(code_folder(code.sha256), error);
         !error && at != fs::recursive_directory_iterator(); at.increment(error))
        if (at->is_regular_file(error) && !at->is_symlink(error)) bytes += at->file_size(error);
    return bytes;
}

}  // namespace autotune::host
