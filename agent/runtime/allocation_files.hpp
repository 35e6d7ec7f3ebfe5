// AllocationFiles: the sums of allocations of all processes that tell them: found while they run, read when they end.
//
// The probes add up by themselves, so nothing has to be read in between: a process is looked at once, when it has ended,
// or when finish() says that this is enough. Where they keep a journal too, it is read each time: samples of memory with
// their time. It launches nothing; see Launch and inject::Injection. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "agent/runtime/allocation_journal.hpp"
#include "agent/runtime/allocation_tree.hpp"
#include "agent/runtime/ring_file.hpp"
#include "agent/runtime/traced_process.hpp"
#include "core/event.hpp"
#include "core/result.hpp"

namespace autotune::runtime {

enum class AllocationDetail : std::uint8_t {
    sums,
    journal,  // and when it was; probes keep one with PythonProbes::journal
};

class AllocationFiles {
public:
    // `folder`: as make_ring_folder() makes it.
    AllocationFiles(std::string folder, AllocationView view, AllocationDetail detail = AllocationDetail::sums)
        : folder_(std::move(folder)), detail_(detail), tree_(view) {}
    AllocationFiles(const AllocationFiles&) = delete;  // what is read refers to it
    AllocationFiles& operator=(const AllocationFiles&) = delete;

    // A file that leads to the process, as Injection::ring() names it. Errors: as of RingFile::open; unsupported for
    // one of calls, or without the journal that is wanted.
    Status watch(const std::string& path, std::int32_t pid);
    // Finds new ones, reads and removes those of processes that have ended.
    void look() { look_for(nullptr); }
    // Nothing is added up any more; all that is there is read.
    void finish() { finish_for(nullptr); }
    // The same, and appends what the journals say. REQUIRES: AllocationDetail::journal; all with the same tables.
    void look(EventBatch& batch) { look_for(&batch); }
    void finish(EventBatch& batch) { finish_for(&batch); }

    [[nodiscard]] std::size_t processes() const { return processes_; }  // that told something, until now
    [[nodiscard]] std::size_t refused() const { return refused_; }      // files that are none of ours
    [[nodiscard]] const AllocationCounts& counts() const { return tree_.counts(); }
    [[nodiscard]] JournalCounts journal_counts() const;
    [[nodiscard]] bool knows(std::int32_t pid) const;  // it tells something now
    [[nodiscard]] Profile take(std::string title) && { return std::move(tree_).take(std::move(title)); }

private:
    struct Process {
        TracedProcess process;
        RingFile file;
        AllocationJournal journal;
        std::string path;        // to be removed; empty: not ours
        bool replaced = false;   // it runs another program now, with another file
        bool done = false;       // read
    };
    void adopt(RingFile file, std::int32_t pid, const std::string& path);
    void look_for(EventBatch* batch);
    void finish_for(EventBatch* batch);
    void read(Process& process, EventBatch* batch);

    [[nodiscard]] bool is_wanted(const at_ring_header& header) const;

    std::string folder_;
    AllocationDetail detail_;
    AllocationTree tree_;
    symbols::Symbolizer symbolizer_;
    JournalCounts ended_;  // of processes that are no longer open
    std::vector<Process> open_;
    std::set<std::string> known_;
    std::size_t processes_ = 0, refused_ = 0;
};

}  // namespace autotune::runtime
