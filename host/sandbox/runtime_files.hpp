// The files that run inside function processes, carried in this program and written where they can be
// executed: runtimes/python/bootstrap.py, runtimes/node/bootstrap.mjs and what belongs to them.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "core/result.hpp"

namespace autotune::host {

struct RuntimeFile {
    std::string_view path;  // below runtimes/: "python/bootstrap.py"
    std::string_view content;
};

[[nodiscard]] std::span<const RuntimeFile> runtime_files();

// Writes them below `folder`; a file that is there already and the same stays untouched.
[[nodiscard]] Status install_runtime_files(const std::filesystem::path& folder);

}  // namespace autotune::host
