// Deployment packages: a zip becomes a folder, a folder becomes a zip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace autotune::host {

struct PackageLimits {
    std::uint64_t zipped = 52'428'800;     // bytes: Lambda's 50 MiB for direct uploads
    std::uint64_t unzipped = 262'144'000;  // bytes: Lambda's 250 MiB
};

// Unpacks `zip` into `folder`, which must not exist: a sibling is filled first and then renamed, so the
// folder is whole or absent. Mode bits are kept, but everything becomes readable and folders
// searchable, since sandboxes may run as another user. Sizes are counted while unpacking: what the
// zip's directory claims is not believed. Symbolic links are kept where each one really stays inside.
// Errors: Lambda's InvalidParameterValueException for what is no zip, too large, or has an entry that
// leaves the folder; internal for the disk's failures.
[[nodiscard]] Status unpack(std::string_view zip, const std::filesystem::path& folder,
                            const PackageLimits& limits = {});

// The files below `folder` as a zip, the same bytes for the same files: sorted, without times.
// A file named `leave_out` at the top is not taken. Errors: those of reading.
[[nodiscard]] Result<std::string> pack(const std::filesystem::path& folder, std::string_view leave_out = "");

struct FolderAt {
    std::filesystem::path folder;
    std::string at;  // what its files' names begin with in the archive: "" or "parts/one/"
};
// The same of files in memory (name in the archive and bytes, readable by all), and of several folders beside them,
// each without its own `leave_out`. Names must differ.
[[nodiscard]] Result<std::string> pack(const std::vector<std::pair<std::string, std::string>>& files,
                                       const std::vector<FolderAt>& folders = {}, std::string_view leave_out = "");

}  // namespace autotune::host
