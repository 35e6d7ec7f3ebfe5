// GrowingFile: the bytes of a file, plain or .gz, from its beginning on; what is appended later is given later. A file
// that was cut or replaced under its name is read anew. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/result.hpp"

struct gzFile_s;

namespace autotune::logs {

class GrowingFile {
public:
    // Errors: not_found, permission_denied, invalid_argument (a directory).
    [[nodiscard]] static Result<GrowingFile> open(std::filesystem::path path);

    // At most about 1 MiB of what is new; empty when there is nothing now. Errors: corrupt (a damaged .gz).
    [[nodiscard]] Result<std::string> read();
    // Since the last read() it turned out to be another file, or shorter: what it gives now begins anew.
    [[nodiscard]] bool began_anew();

    // What there is now ends in the middle of its compressed data.
    [[nodiscard]] bool is_cut() const { return is_cut_; }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    explicit GrowingFile(std::filesystem::path path) : path_(std::move(path)) {}
    [[nodiscard]] Status reopen();

    std::filesystem::path path_;
    std::shared_ptr<gzFile_s> stream_;
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
    std::uint64_t size_ = 0;  // seen so far
    bool is_cut_ = false;
};

}  // namespace autotune::logs
