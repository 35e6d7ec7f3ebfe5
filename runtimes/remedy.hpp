// The wrapper that works around functions (runtimes/remedy/): the files of its layer, for Python 3.8 and
// newer and for Node.js 18 and newer.
#pragma once

#include <span>
#include <string_view>

namespace autotune::runtimes {

struct RemedyFile {
    std::string_view path;  // in the layer: "python/autotune_remedy/__init__.py"
    std::string_view content;
};
[[nodiscard]] std::span<const RemedyFile> remedy_files();
// "autotune-remedy-" and a hash of the files: another wrapper has another name.
[[nodiscard]] std::string_view remedy_layer_name();

}  // namespace autotune::runtimes
