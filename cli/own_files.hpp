// OwnFiles: what the probes do to files of ours within a traced process (their rings, their library) is no
// deed of the program's.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.hpp"

namespace autotune::cli {

class OwnFiles {
public:
    // Folders of ours.
    explicit OwnFiles(std::vector<std::string> folders) : folders_(std::move(folders)) {}

    // Takes I/O on files in them out of the batch.
    void apply(EventBatch& batch) {
        if (folders_.empty()) return;
        std::erase_if(batch.events, [&](const Event& event) {
            const auto* io = std::get_if<IoDone>(&event.body);
            return io != nullptr && io->path != StringId{} && is_ours(io->path, batch.tables);
        });
    }

private:
    [[nodiscard]] bool is_ours(StringId path, const Tables& tables) {
        const auto [known, fresh] = known_.try_emplace(path);
        if (fresh) {
            const std::string_view text = tables.strings[path];
            known->second = std::any_of(folders_.begin(), folders_.end(), [&](const std::string& folder) {
                return text.starts_with(folder) &&
                       (text.size() == folder.size() || text[folder.size()] == '/');
            });
        }
        return known->second;
    }

    std::vector<std::string> folders_;
    std::unordered_map<StringId, bool> known_;
};

}  // namespace autotune::cli
