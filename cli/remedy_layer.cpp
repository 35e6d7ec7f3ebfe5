#include "cli/remedy_layer.hpp"

#include <iostream>

#include "host/control/package.hpp"
#include "runtimes/remedy.hpp"

namespace autotune::cli {

Layer remedy_layer() {
    std::vector<std::pair<std::string, std::string>> files;
    for (const runtimes::RemedyFile& file : runtimes::remedy_files()) files.emplace_back(file.path, file.content);
    auto zip = host::pack(files);
    if (!zip) {  // no memory: nothing else can fail
        std::cerr << "autotune: functions cannot be wrapped: " << zip.error().message << "\n";
        return {};
    }
    return {.name = std::string(runtimes::remedy_layer_name()),
            .description = "autotune works around functions from here; their own code stays as it is",
            .zip = *std::move(zip),
            .runtimes = {"python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "nodejs18.x",
                         "nodejs20.x", "nodejs22.x", "nodejs24.x"}};
}

}  // namespace autotune::cli
