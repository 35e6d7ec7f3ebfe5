// TlsProbes: OpenSSL, wherever traced processes have it mapped, found and probed. Each file is looked at once, by
// device and inode. What is probed stays so as long as the programs are attached: the next process of a function
// maps the same file. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/bpf/kernel_object.hpp"
#include "os/fd.hpp"

namespace autotune {

class TlsProbes {
public:
    // REQUIRES: `kernel` outlives this.
    TlsProbes(KernelObject& kernel, std::filesystem::path proc) : kernel_(kernel), proc_(std::move(proc)) {}

    // What the process has mapped to execute; nothing when it has gone.
    void look_at(std::int32_t pid);
    // The system's own libraries, before anybody maps them: so that nothing of a short-lived process is missed.
    void look_at_system();
    void forget() { seen_.clear(); }  // the programs were detached

    // Files that have OpenSSL and could not be probed, and why: for people.
    [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

private:
    void look_at(const Fd& file, const std::string& name);

    KernelObject& kernel_;
    std::filesystem::path proc_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;  // device, inode
    std::vector<std::string> missing_;
};

}  // namespace autotune
