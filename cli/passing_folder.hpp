// A folder that is gone when its owner is.
#pragma once

#include <filesystem>
#include <utility>

#include "core/result.hpp"

namespace autotune::cli {

class PassingFolder {
public:
    // A new one in `folder`, which is made where it is not there. Errors: the file system's.
    [[nodiscard]] static Result<PassingFolder> in(const std::filesystem::path& folder);
    PassingFolder(PassingFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    PassingFolder& operator=(PassingFolder&&) = delete;
    ~PassingFolder();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    explicit PassingFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;  // "": moved away
};

}  // namespace autotune::cli
