#include "cli/python_allocations.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "agent/runtime/runtime_source.hpp"
#include "exporters/render/amount.hpp"

namespace autotune::cli {

namespace {

// Somebody else's process cannot make files in our folder: its own is without a name.
bool is_ours(std::int32_t pid) {
    struct stat s {};
    return ::stat(("/proc/" + std::to_string(pid)).c_str(), &s) == 0 && s.st_uid == ::geteuid();
}

std::string amount(std::uint64_t bytes) { return render::human_amount(ProfileUnit::bytes, bytes); }

}  // namespace

Result<PythonAllocations> PythonAllocations::prepare(const ProfileTarget& target) {
    PythonAllocations made;
    made.target_ = &target;
    const bool journal = !target.function.empty();
    made.probes_.allocations = true;
    made.probes_.journal = journal;
    auto folder = runtime::make_ring_folder(::getuid());
    if (!folder) return folder.forward();
    made.folder_ = *std::move(folder);
    if (!target.command.empty()) {
        auto launch = runtime::Launch::prepare({.folder = made.folder_.path(), .python = made.probes_, .native = false});
        if (!launch) return launch.forward();
        made.launch_.emplace(*std::move(launch));
    }
    made.files_ = std::make_unique<runtime::AllocationFiles>(
        made.folder_.path(),
        target.python_memory == PythonMemory::in_use ? runtime::AllocationView::held : runtime::AllocationView::handed_out,
        journal ? runtime::AllocationDetail::journal : runtime::AllocationDetail::sums);
    return made;
}

std::vector<std::string> PythonAllocations::environment() const {
    return launch_ ? launch_->environment() : std::vector<std::string>();
}

Status PythonAllocations::bring_into(std::int32_t pid) {
    auto begun = inject::Injection::begin(pid, {.folder = is_ours(pid) ? folder_.path() : "", .python = probes_});
    if (!begun) return begun.forward();
    const std::string ring = begun->ring();
    if (!ring.empty())
        if (Status s = files_->watch(ring, pid); !s) return s;
    injections_.push_back(*std::move(begun));
    return ok();
}

void PythonAllocations::finish() {
    injections_.clear();  // what forks from now on tells nothing
    files_->finish();
}

void PythonAllocations::finish(EventBatch& batch) {
    injections_.clear();
    files_->finish(batch);
}

const std::vector<runtime::Refusal>& PythonAllocations::refusals() {
    if (launch_)
        for (runtime::Refusal& one : launch_->refusals()) refusals_.push_back(std::move(one));
    return refusals_;
}

std::vector<std::string> PythonAllocations::notes() {
    std::vector<std::string> notes;
    const auto counted = [&](std::uint64_t count, const std::string& what) {
        if (count > 0) notes.push_back(std::to_string(count) + " " + what);
    };
    const bool held = target_->python_memory == PythonMemory::in_use;
    const bool by_invocation = !target_->function.empty();
    const runtime::AllocationCounts& counts = files_->counts();
    for (const runtime::Refusal& refusal : refusals())
        notes.push_back("process " + std::to_string(refusal.pid) + " tells nothing: " + refusal.reason);
    counted(counts.no_room, "bytes are of stacks that found no room: [lost: no room for more stacks]");
    counted(counts.names_lost, "functions found no room for their names: they are unknown");
    counted(counts.blocks_lost, held ? "blocks found no room to be remembered: they are not shown as in use"
                                     : "blocks found no room to be remembered: when they were made larger they counted whole");
    if (held)
        counted(counts.without_gil, "bytes were handed out without the GIL or in subinterpreters: whether they are in use is not known");
    if (by_invocation)
        counted(counts.without_gil, "bytes were handed out without the GIL or in subinterpreters: by which invocation is not known");
    counted(counts.damaged, "entries of the sums cannot be: they are left out");
    counted(files_->refused(), "files of sums could not be read");
    const runtime::JournalCounts journal = files_->journal_counts();
    counted(journal.lost, "allocations (" + amount(journal.lost_bytes) +
                              ") found no room in the journal of their process: by which invocation is not known");
    counted(journal.damaged, "records of journals cannot be: they are left out");
    return notes;
}

Error PythonAllocations::nothing_told() {
    if (!refusals().empty()) return {Errc::unsupported, "no allocations were told: " + refusals().front().reason};
    return {Errc::unsupported,
            "no allocations were told: " + std::string(target_->command.empty() ? "the process is" : "the command ran") +
                " no CPython 3.8 to 3.13 that a library can be brought into (not one that "
                "is linked statically, with another libc than glibc, or that gains privileges)"};
}

}  // namespace autotune::cli
