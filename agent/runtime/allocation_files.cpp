#include "agent/runtime/allocation_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace autotune::runtime {

namespace {

constexpr std::size_t kMostSamples = 65'536;  // of a process in one look; the rest waits in its journal

void add(JournalCounts& sum, const JournalCounts& one) {
    sum.bytes += one.bytes;
    sum.lost += one.lost;
    sum.lost_bytes += one.lost_bytes;
    sum.damaged += one.damaged;
}

}  // namespace

Status AllocationFiles::watch(const std::string& path, std::int32_t pid) {
    auto file = RingFile::open(path, RingPlace::process);
    if (!file) return file.forward();
    if (file->header().kind != AT_RING_ALLOCATIONS)
        return fail(Errc::unsupported, path + " tells calls, not allocations: is an older autotune's library in the process?");
    if (!is_wanted(file->header()))
        return fail(Errc::unsupported, path + " does not tell when allocations were: an older autotune's library is in the process");
    adopt(*std::move(file), pid, "");
    return ok();
}

void AllocationFiles::look_for(EventBatch* batch) {
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder_, error), last; !error && it != last; it.increment(error)) {
        const std::string path = it->path();
        if (!path.ends_with(".allocations") || known_.contains(path)) continue;
        auto file = RingFile::open(path, RingPlace::folder);
        // Unavailable: it is being made.
        if (!file && (file.error().code == Errc::unavailable || file.error().code == Errc::not_found)) continue;
        known_.insert(path);
        if (file && is_wanted(file->header()))
            adopt(*std::move(file), 0, path);
        else
            ++refused_;
    }
    for (Process& one : open_) {
        const bool ended = one.replaced || !one.process.running();  // before it is read: that sees all
        if (batch != nullptr) (void)one.journal.read(one.file, kMostSamples, *batch);
        if (ended) read(one, batch);
    }
    std::erase_if(open_, [](const Process& one) { return one.done; });
}

bool AllocationFiles::is_wanted(const at_ring_header& header) const {
    return header.kind == AT_RING_ALLOCATIONS && (detail_ == AllocationDetail::sums || header.told_keeps != 0);
}

void AllocationFiles::adopt(RingFile file, std::int32_t pid, const std::string& path) {
    TracedProcess process = TracedProcess::find(file.header(), pid);
    for (Process& other : open_) other.replaced |= other.process.id() == process.id();
    const RingOwner owner{.process = process.id(), .cgroup = process.cgroup(), .inner_pid = file.header().pid};
    AllocationJournal journal(file.header(), owner, symbolizer_);
    open_.push_back({.process = std::move(process), .file = std::move(file), .journal = std::move(journal), .path = path});
    ++processes_;
}

void AllocationFiles::read(Process& one, EventBatch* batch) {
    // It has room for so many, and nobody writes it any more.
    for (int i = 0; batch != nullptr && i < 4 && one.journal.read(one.file, kMostSamples, *batch); ++i) {
    }
    add(ended_, one.journal.counts());
    if (one.file.refresh()) tree_.add(one.file);
    if (!one.path.empty()) unlink(one.path.c_str());
    known_.erase(one.path);
    one.done = true;
}

void AllocationFiles::finish_for(EventBatch* batch) {
    look_for(batch);
    for (const Process& one : open_) one.file.set_mode(AT_RING_OFF);
    for (Process& one : open_) read(one, batch);
    open_.clear();
}

JournalCounts AllocationFiles::journal_counts() const {
    JournalCounts sum = ended_;
    for (const Process& one : open_) add(sum, one.journal.counts());
    return sum;
}

bool AllocationFiles::knows(std::int32_t pid) const {
    return std::ranges::any_of(open_, [&](const Process& one) { return !one.done && !one.replaced && one.process.id().pid == pid; });
}

}  // namespace autotune::runtime
