// CallFilter: which calls of functions somebody asked to see, by name.
//
// "module.name": the function `name`, with or without its class in front, of a file that is called `module`;
// `*` stands for anything. One owner; remembers by frame.
#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/event.hpp"

namespace autotune::cli {

class CallFilter {
public:
    // None: everything passes.
    explicit CallFilter(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

    // Takes the calls of other functions out of the batch.
    void apply(EventBatch& batch);

private:
    [[nodiscard]] bool wanted(const Event& event, FrameId frame, const Tables& tables);

    std::vector<std::string> patterns_;
    std::array<std::unordered_map<FrameId, bool>, 2> known_;  // told from outside, from within
};

// Is `name`, of the source file `file`, what `pattern` means? Pure.
[[nodiscard]] bool is_function(const std::string& pattern, const std::string& name, const std::string& file);

}  // namespace autotune::cli
