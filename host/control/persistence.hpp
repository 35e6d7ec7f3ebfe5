// StateFolder: what the host keeps on disk, so that a restart changes nothing.
//
//   <state>/functions/<name>.json   one function with its versions and aliases, replaced atomically
//   <state>/layers/<name>.json      one layer with its versions, likewise
//   <state>/opt/<hash>/             several layers laid over each other, for functions that have more than one
//   <state>/code/<sha256>/          a package unpacked, never changed, shared by all versions that use it
//   <state>/code/<sha256>.zip       the same package as it was uploaded
//
// A function's file is written after its code and removed before it; code and layers over each other
// that no function needs are swept at start. A killed host loses nothing it answered for; a power cut may lose the last second
// (files are not fsynced: this state can be made again from the functions' sources).
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "host/control/layers.hpp"
#include "host/control/model.hpp"
#include "host/control/package.hpp"

namespace autotune::host {

class StateFolder {
public:
    // Makes the folders. Errors name the path.
    static Result<StateFolder> open(std::filesystem::path folder);

    // All saved functions. Errors: corrupt, with the file's name; the host then does not start, rather
    // than forget a function.
    [[nodiscard]] Result<std::vector<Function>> load() const;
    Status save(const Function& function) const;
    Status remove(std::string_view function) const;

    [[nodiscard]] Result<std::vector<LayerHistory>> load_layers() const;
    Status save(const LayerHistory& layer) const;
    // What functions with these layers find below /opt; "" without any. put_layers() makes it, from layers whose
    // code is there; nothing happens when it is there already.
    [[nodiscard]] std::filesystem::path layers_folder(const std::vector<AttachedLayer>& layers) const;
    Status put_layers(const std::vector<AttachedLayer>& layers) const;
    [[nodiscard]] std::uint64_t unpacked_size(const Code& code) const;  // bytes

    // Stores a package and unpacks it; nothing happens when it is there already.
    Result<Code> put_code(std::string_view zip, const PackageLimits& limits = {}) const;
    [[nodiscard]] std::filesystem::path code_folder(std::string_view sha256) const;
    // "/code/x.zip" ↔ the archive's bytes, for GetFunction's Code.Location.
    [[nodiscard]] Result<std::string> code_zip(std::string_view file_name) const;
    // Removes packages whose hashes are not in `code`, layers over each other that are not one of `layers`, and what a killed
    // host left half-done.
    void sweep(const std::set<std::string>& code, const std::vector<std::vector<AttachedLayer>>& layers) const;

private:
    explicit StateFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;
};

}  // namespace autotune::host
