#include "cli/profile_allocations.hpp"

#include <poll.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/inject/injection.hpp"
#include "agent/runtime/allocation_files.hpp"
#include "agent/runtime/launch.hpp"
#include "agent/runtime/runtime_source.hpp"
#include "cli/profile_subject.hpp"
#include "os/owned_folder.hpp"

namespace autotune::cli {

namespace {

std::vector<std::string> notes_of(const runtime::AllocationFiles& files, runtime::AllocationView view,
                                  const std::vector<runtime::Refusal>& refusals) {
    std::vector<std::string> notes;
    const auto counted = [&](std::uint64_t count, const char* what) {
        if (count > 0) notes.push_back(std::to_string(count) + " " + what);
    };
    const runtime::AllocationCounts& counts = files.counts();
    for (const runtime::Refusal& refusal : refusals)
        notes.push_back("process " + std::to_string(refusal.pid) + " tells nothing: " + refusal.reason);
    counted(counts.no_room, "bytes are of stacks that found no room: [lost: no room for more stacks]");
    counted(counts.names_lost, "functions found no room for their names: they are unknown");
    counted(counts.blocks_lost, view == runtime::AllocationView::held
                                    ? "blocks found no room to be remembered: they are not shown as in use"
                                    : "blocks found no room to be remembered: when they were made larger they counted whole");
    if (view == runtime::AllocationView::held)
        counted(counts.without_gil, "bytes were handed out without the GIL or in subinterpreters: whether they are in use is not known");
    counted(counts.damaged, "entries of the sums cannot be: they are left out");
    counted(files.refused(), "files of sums could not be read");
    return notes;
}

// Why there is nothing to show.
Error nothing_told(const ProfileTarget& target, const std::vector<runtime::Refusal>& refusals) {
    if (!refusals.empty()) return {Errc::unsupported, "no allocations were told: " + refusals.front().reason};
    return {Errc::unsupported,
            "no allocations were told: " + std::string(target.command.empty() ? "the process is" : "the command ran") +
                " no CPython 3.8 to 3.13 that a library can be brought into (not one that "
            "is linked statically, with another libc than glibc, or that gains privileges)"};
}

}  // namespace

Result<LiveProfile> profile_allocations(const ProfileTarget& target, bool& command_refused) {
    const auto view = target.python_memory == PythonMemory::in_use ? runtime::AllocationView::held
                                                                   : runtime::AllocationView::handed_out;
    const runtime::PythonProbes probes{.allocations = true};
    auto folder = runtime::make_ring_folder(::getuid());
    if (!folder) return folder.forward();
    std::optional<runtime::Launch> launch;
    if (!target.command.empty()) {
        auto prepared = runtime::Launch::prepare({.folder = folder->path(), .python = probes, .native = false});
        if (!prepared) return prepared.forward();
        launch.emplace(*std::move(prepared));
    }
    auto subject = ProfileSubject::prepare(target, command_refused,
                                           launch ? launch->environment() : std::vector<std::string>());
    if (!subject) return subject.forward();
    runtime::AllocationFiles files(folder->path(), view);
    std::vector<inject::Injection> injections;
    for (const std::int32_t pid : target.pids) {
        auto begun = inject::Injection::begin(pid, {.folder = folder->path(), .python = probes});
        if (!begun) return begun.forward();
        injections.push_back(*std::move(begun));
        if (const std::string& ring = injections.back().ring(); !ring.empty())
            if (Status s = files.watch(ring, pid); !s) return s.forward();
    }
    if (Status s = subject->begin(command_refused); !s) return s.forward();
    while (!subject->is_over()) {
        files.look();
        (void)::poll(nullptr, 0, static_cast<int>(kProfilePoll.count() / 1'000'000));
    }
    LiveProfile out;
    out.took = subject->took();
    out.status = subject->status();
    injections.clear();  // what forks from now on tells nothing
    files.finish();
    const auto refusals = launch ? launch->refusals() : std::vector<runtime::Refusal>();
    if (files.processes() == 0) return unexpected(nothing_told(target, refusals));
    out.notes = notes_of(files, view, refusals);
    out.samples = files.counts().blocks;
    out.profile = std::move(files).take(title_of(target) + (view == runtime::AllocationView::held ? " (CPython's memory in use)"
                                                                                                   : " (CPython's allocations)"));
    return out;
}

}  // namespace autotune::cli
