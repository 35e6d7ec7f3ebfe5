// The files that take Python programs apart (runtimes/decompose/): a tool for Python 3.10 and newer, and what it puts into packages.
#pragma once

#include <span>
#include <string_view>

namespace autotune::runtimes {

struct ToolFile {
    std::string_view path;  // below the tool's folder: "autotune_decompose/__main__.py"
    std::string_view content;
};
[[nodiscard]] std::span<const ToolFile> decompose_files();

}  // namespace autotune::runtimes
