// What the tests of host/control share: builders, a clock that stands still, a folder that goes away.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "host/control/digest.hpp"
#include "host/control/store.hpp"

namespace autotune::host {

class StillClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override { return from_ns(1'000'000'000); }
    [[nodiscard]] WallTime wall() const override {
        return WallTime(std::chrono::sys_days(std::chrono::year{2026} / 1 / 2) +
                        std::chrono::milliseconds(345));
    }
};

// "r1", "r2", …
inline IdSource counting_ids() {
    return [n = 0]() mutable { return "r" + std::to_string(++n); };
}

class TemporaryFolder {
public:
    TemporaryFolder() : path_(std::filesystem::temp_directory_path() / ("autotune-test-" + random_uuid())) {
        std::filesystem::create_directories(path_);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline void put_file(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline NewFunction a_function(std::string name = "shop") {
    NewFunction function;
    function.name = std::move(name);
    function.settings.runtime = "python3.11";
    function.settings.handler = "app.handler";
    function.settings.role = "arn:aws:iam::000000000000:role/r";
    function.settings.architecture = "x86_64";
    function.code = {"c29tZSBjb2Rl", 9};
    return function;
}

struct ZipItem {
    std::string name, bytes;
    std::uint32_t mode = 0100644;
};
// A zip with exactly these entries, also ones that no honest tool would write.
[[nodiscard]] std::string a_zip(const std::vector<ZipItem>& items);

// The message of a failure; a test that gets a value instead reads "(no error)".
template <class T>
std::string fault_of(const Result<T>& result) {
    return result ? "(no error)" : result.error().message;
}

}  // namespace autotune::host
