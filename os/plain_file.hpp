// Files in folders that others filled: what a name there leads to is theirs to choose, so only plain files are opened.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace autotune {

// The bytes of the regular file of that very name: never what a link leads to, and never a pipe or a device, which
// could hold its reader up. REQUIRES: the folder's own path has no link of theirs. Errors: unsupported: it is something
// else, or larger than `most`; else as of open(2) and read(2).
[[nodiscard]] Result<std::string> read_plain_file(const std::filesystem::path& path, std::size_t most);

// Whether there is anything of that name, also a link that leads nowhere.
[[nodiscard]] bool is_there(const std::filesystem::path& path);
// Whether it is a file or a folder itself, and no link to one.
[[nodiscard]] bool is_plain_file(const std::filesystem::path& path);
[[nodiscard]] bool is_plain_folder(const std::filesystem::path& path);

}  // namespace autotune
