// InvocationDeeds as CPython's allocators tell them (docs/decisions/0037). Executors are brought the library when they are first heard
// of.
#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "cli/invocation_deeds.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostNamed = 100'000;  // processes
constexpr std::size_t kMostUntold = 1'000;   // processes of which it is known why they tell nothing

class AllocationDeeds final : public InvocationDeeds {
public:
    AllocationDeeds(const ProfileTarget& target, PythonAllocations& allocations) : target_(target), allocations_(allocations) {}

    // Of what runs already, before it says its next words. What is no CPython may start one.
    Status start() override {
        for (const std::int32_t pid : target_.pids) (void)has_told(pid);
        return ok();
    }
    Status poll(EventBatch& batch) override {
        allocations_.look(batch);
        name_processes(batch);
        return ok();
    }
    Status finish(EventBatch& batch) override {
        allocations_.finish(batch);
        name_processes(batch);
        return ok();
    }
    Expected expect(const ProcessId& process, bool works) override {
        // What was started with the library tells by itself, once its interpreter is there.
        if (!works && !target_.command.empty()) return Expected::later;
        return has_told(process.pid) ? Expected::told : Expected::untold;
    }
    [[nodiscard]] ProfileOf kind() const override { return ProfileOf::memory; }
    [[nodiscard]] std::string title() const override { return " (CPython's allocations)"; }
    void mark(Profile&) const override {}
    Status conclude(LiveProfile& out) override {
        if (allocations_.files().processes() == 0)
            return untold_.empty() ? Status(unexpected(allocations_.nothing_told()))
                                   : fail(Errc::unsupported, "no allocations were told: " + untold_.begin()->second);
        out.samples = allocations_.files().counts().blocks;
        if (brought_ > 0)
            out.notes.push_back(std::to_string(brought_) + (brought_ == 1 ? " process was" : " processes were") +
                                " found while running: allocations before that are not known");
        if (!untold_.empty())
            out.notes.push_back((untold_.size() == 1           ? "a process tells"
                                 : untold_.size() < kMostUntold ? std::to_string(untold_.size()) + " processes tell"
                                                                : std::to_string(kMostUntold) + " processes or more tell") +
                                std::string(" no allocations: ") + untold_.begin()->second);
        std::ranges::move(allocations_.notes(), std::back_inserter(out.notes));
        return ok();
    }
    [[nodiscard]] std::uint64_t weight() const override { return allocations_.files().journal_counts().bytes; }

private:
    bool has_told(std::int32_t pid) {
        if (allocations_.files().knows(pid)) return untold_.erase(pid), true;
        if (Status s = allocations_.bring_into(pid); !s) {
            // A bootstrap in shell script is another process each time.
            if (untold_.size() < kMostUntold || untold_.contains(pid))
                untold_[pid] = s.error().code == Errc::not_found
                                   ? "process " + std::to_string(pid) + " had ended before the library could be brought into it"
                                   : s.error().message;
            return false;
        }
        untold_.erase(pid);
        ++brought_;
        return true;
    }
    // A process calls itself what it is called to itself; whoever tells boundaries may know it as a part of what is
    // traced (a tree of processes), and when it began to the nanosecond: then it is that.
    void name_processes(EventBatch& batch) {
        for (Event& event : batch.events) {
            if (event.by == Backend::runtime) {
                if (const auto known = named_.find(event.process.pid); known != named_.end())
                    std::tie(event.process, event.cgroup) = known->second;
            } else if (named_.size() < kMostNamed || named_.contains(event.process.pid)) {
                named_[event.process.pid] = {event.process, event.cgroup};
            }
        }
    }

    const ProfileTarget& target_;
    PythonAllocations& allocations_;
    std::unordered_map<std::int32_t, std::pair<ProcessId, CgroupId>> named_;
    std::map<std::int32_t, std::string> untold_;  // why they tell nothing
    std::uint64_t brought_ = 0;                   // the library, to so many processes
};

}  // namespace

std::unique_ptr<InvocationDeeds> allocation_deeds(const ProfileTarget& target, PythonAllocations& allocations) {
    return std::make_unique<AllocationDeeds>(target, allocations);
}

}  // namespace autotune::cli
