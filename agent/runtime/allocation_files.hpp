// AllocationFiles: the sums of allocations of all processes that tell them: found while they run, read when they end.
//
// The probes add up by themselves, so nothing has to be read in between: a process is looked at once, when it has ended,
// or when finish() says that this is enough. It launches nothing; see Launch and inject::Injection. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/runtime/allocation_tree.hpp"
#include "agent/runtime/ring_file.hpp"
#include "agent/runtime/traced_process.hpp"
#include "core/result.hpp"

namespace autotune::runtime {

class AllocationFiles {
public:
    // `folder`: as make_ring_folder() makes it.
    AllocationFiles(std::string folder, AllocationView view) : folder_(std::move(folder)), tree_(view) {}

    // A file that leads to the process, as Injection::ring() names it. Errors: as of RingFile::open; unsupported for
    // one of calls.
    Status watch(const std::string& path, std::int32_t pid);
    // Finds new ones, reads and removes those of processes that have ended.
    void look();
    // Nothing is added up any more; all that is there is read.
    void finish();

    [[nodiscard]] std::size_t processes() const { return processes_; }  // that told something, until now
    [[nodiscard]] std::size_t refused() const { return refused_; }      // files that are none of ours
    [[nodiscard]] const AllocationCounts& counts() const { return tree_.counts(); }
    [[nodiscard]] Profile take(std::string title) && { return std::move(tree_).take(std::move(title)); }

private:
    struct Process {
        TracedProcess process;
        RingFile file;
        std::string path;        // to be removed; empty: not ours
        bool replaced = false;   // it runs another program now, with another file
        bool done = false;       // read
    };
    void adopt(RingFile file, std::int32_t pid, const std::string& path);
    void read(Process& process);

    std::string folder_;
    AllocationTree tree_;
    std::vector<Process> open_;
    std::set<std::string> known_;
    std::size_t processes_ = 0, refused_ = 0;
};

}  // namespace autotune::runtime
