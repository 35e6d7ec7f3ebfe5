// A cgroup of the test's own: a v2 node, and the same path under those controllers that were asked for and
// are on v1. Everything inside is killed and removed at the end.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "os/cgroup_layout.hpp"

namespace autotune::test {

class OwnCgroup {
public:
    explicit OwnCgroup(const std::string& name, std::vector<Controller> controllers = {})
        : path_("autotune-test-" + std::to_string(getpid()) + "-" + name) {
        const auto found = detect_cgroup_layout();
        if (!found) return;
        layout_ = *found;
        unified_ = layout_.unified / path_;
        make(unified_);
        for (const Controller c : controllers) {
            if (layout_[c].version == CgroupVersion::v1) make(layout_[c].mount / path_);
            if (layout_[c].version == CgroupVersion::v2)
                write(layout_.unified / "cgroup.subtree_control", "+" + std::string(to_string(c)));
        }
        usable_ = std::filesystem::is_directory(unified_);
    }
    ~OwnCgroup() {
        write(unified_ / "cgroup.kill", "1");
        for (const auto& directory : directories_)
            for (int attempt = 0; attempt < 2000 && rmdir(directory.c_str()) != 0; ++attempt) usleep(1000);
    }
    OwnCgroup(const OwnCgroup&) = delete;
    OwnCgroup& operator=(const OwnCgroup&) = delete;

    [[nodiscard]] bool usable() const { return usable_; }
    [[nodiscard]] bool has(Controller c) const { return layout_[c].version != CgroupVersion::none; }
    [[nodiscard]] bool limit_memory(std::uint64_t bytes) const {
        return write(file(Controller::memory, "memory.limit_in_bytes", "memory.max"), std::to_string(bytes));
    }
    [[nodiscard]] bool limit_cpu(int quota_us, int period_us) const {
        if (layout_[Controller::cpu].version == CgroupVersion::v2)
            return write(unified_ / "cpu.max", std::to_string(quota_us) + " " + std::to_string(period_us));
        return write(file(Controller::cpu, "cpu.cfs_period_us", ""), std::to_string(period_us)) &&
               write(file(Controller::cpu, "cpu.cfs_quota_us", ""), std::to_string(quota_us));
    }
    [[nodiscard]] std::uint64_t memory_peak() const {
        std::uint64_t peak = 0;
        std::ifstream(file(Controller::memory, "memory.max_usage_in_bytes", "memory.peak")) >> peak;
        return peak;
    }
    [[nodiscard]] std::string path() const { return "/" + path_; }
    [[nodiscard]] CgroupId id() const {
        struct stat s {};
        return stat(unified_.c_str(), &s) == 0 ? CgroupId(s.st_ino) : CgroupId{};
    }
    // A child cgroup in v2 only.
    [[nodiscard]] std::filesystem::path make_below(const std::string& name) {
        make(unified_ / name);
        return unified_ / name;
    }
    // For the calling process.
    void join() const {
        for (const auto& directory : directories_)
            if (directory.parent_path() != unified_) write(directory / "cgroup.procs", "0");
    }
    // That process, in the v2 hierarchy only.
    [[nodiscard]] bool take(pid_t pid) const { return write(unified_ / "cgroup.procs", std::to_string(pid)); }
    // The same in hierarchies of v1 only. False where there are none.
    [[nodiscard]] bool take_on_v1(pid_t pid) const {
        bool taken = false;
        for (const auto& directory : directories_)
            if (directory != unified_ && directory.parent_path() != unified_)
                taken = write(directory / "cgroup.procs", std::to_string(pid)) || taken;
        return taken;
    }
    static bool write(const std::filesystem::path& file, const std::string& text) {
        std::ofstream out(file);
        out << text;
        out.flush();
        return out.good();
    }

private:
    [[nodiscard]] std::filesystem::path file(Controller c, const char* v1, const char* v2) const {
        return layout_[c].mount / path_ / (layout_[c].version == CgroupVersion::v1 ? v1 : v2);
    }
    void make(const std::filesystem::path& directory) {
        mkdir(directory.c_str(), 0755);
        directories_.insert(directories_.begin(), directory);  // children are removed first
    }

    std::string path_;
    CgroupLayout layout_;
    std::filesystem::path unified_;
    std::vector<std::filesystem::path> directories_;
    bool usable_ = false;
};

}  // namespace autotune::test
