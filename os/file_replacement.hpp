// FileReplacement: a file that is written bit by bit and replaces another whole, once it is complete.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune {

// What replace_file (os/file.hpp) says of links, devices, owners and permissions holds here too. One owner; move-only.
class FileReplacement {
public:
    // Creates the file that will replace `path`, beside it. Errors: of the system, with the path.
    [[nodiscard]] static Result<FileReplacement> begin(const std::filesystem::path& path);
    FileReplacement(FileReplacement&& other) noexcept;
    FileReplacement& operator=(FileReplacement&&) = delete;
    // What was not committed is gone: what was at the path stays.
    ~FileReplacement();

    [[nodiscard]] Status write(std::string_view text);
    // REQUIRES: every write succeeded. Called once, last.
    [[nodiscard]] Status commit();

private:
    FileReplacement() = default;
    std::filesystem::path path_;
    std::string temporary_;  // empty: a device or a pipe, written to directly; or committed
    Fd fd_;
};

}  // namespace autotune
