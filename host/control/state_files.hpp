// One JSON file a thing in a folder of StateFolder's.
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "os/file.hpp"

namespace autotune::host {

// What all files NAME.json of a folder hold. Errors: those of reading, and of `decode`, with the file's name.
template <class Item>
[[nodiscard]] Result<std::vector<Item>> load_each(const std::filesystem::path& folder, Result<Item> (*decode)(std::string_view)) {
    std::vector<Item> items;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (entry.path().extension() != ".json") continue;
        const auto text = read_file(entry.path());
        if (!text) return text.forward();
        auto item = decode(*text);
        if (!item) return item.forward("reading " + entry.path().string());
        items.push_back(*std::move(item));
    }
    if (error) return fail(Errc::unavailable, "listing " + folder.string() + ": " + error.message());
    return items;
}

}  // namespace autotune::host
