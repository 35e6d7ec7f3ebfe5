// Cgroup hierarchies made of plain files in a temporary folder: v1 with a bare v2 node, or v2 alone.
// The control files of one group are there before it is "created", since no kernel puts them there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "os/cgroup_layout.hpp"
#include "os/file.hpp"

namespace autotune {

class FakeCgroups {
public:
    using Files = std::vector<std::pair<std::string, std::string>>;

    FakeCgroups() {
        std::string name = (std::filesystem::temp_directory_path() / "autotune-cgroups-XXXXXX").string();
        root_ = ::mkdtemp(name.data());
    }
    ~FakeCgroups() { std::filesystem::remove_all(root_); }
    FakeCgroups(const FakeCgroups&) = delete;
    FakeCgroups& operator=(const FakeCgroups&) = delete;

    FakeCgroups& put(const std::filesystem::path& file, const std::string& text = "") {
        std::filesystem::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text;
        return *this;
    }
    [[nodiscard]] std::string text(const std::filesystem::path& file) const {
        return read_file(root_ / file).value_or("(no such file)");
    }
    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

    [[nodiscard]] CgroupLayout v1() const {
        CgroupLayout layout{.unified = root_ / "unified"};
        for (const Controller c : kControllers) layout[c] = {CgroupVersion::v1, root_ / to_string(c)};
        return layout;
    }
    [[nodiscard]] CgroupLayout v2() const {
        CgroupLayout layout{.unified = root_ / "unified"};
        for (const Controller c : kControllers) layout[c] = {CgroupVersion::v2, layout.unified};
        return layout;
    }

private:
    std::filesystem::path root_;
};

}  // namespace autotune
