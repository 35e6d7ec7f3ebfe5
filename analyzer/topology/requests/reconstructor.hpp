// Reconstructor: calls without ids of requests in, and for each the call while serving which it was made out.
//
// Learns, per service, which calls follow an incoming one, after what gaps, in series or in parallel, and
// gives each outgoing call of a window to an incoming one so that all of them together are the likeliest. No
// clock, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "analyzer/topology/requests/window_solver.hpp"
#include "core/service_call.hpp"

namespace autotune::analysis {

struct ReconstructorOptions {
    // Calls that are looked at together. Memory is in proportion: four windows at most are held. Calls may
    // come in any order as long as they are not out of it by more than a quarter of a window.
    std::size_t window = 50'000;
};

struct ReconstructorCounters {
    std::uint64_t calls = 0;
    std::uint64_t roots = 0;
    std::uint64_t orphans = 0;    // not roots, and nothing was being served that could have made them
    std::uint64_t late = 0;       // of those: began before what was decided already
    std::uint64_t forgotten = 0;  // served so long, or so many at once, that they were no longer considered
    double confidence = 0;        // sum over all that have a parent
};

// One owner.
class Reconstructor {
public:
    explicit Reconstructor(ReconstructorOptions options = {}) : options_(options) {}

    // REQUIRES: start <= end in both views. Appends to `out` what was decided thereby.
    void add(ServiceCall call, std::vector<CallParent>& out);
    // `step_ns`: of the clocks; set before the first window is full, else times are taken to be exact to 1
    // µs.
    void set_step(std::int64_t step_ns) { step_us_ = static_cast<double>(step_ns) / 1e3; }
    // All that is left. REQUIRES: called once.
    void finish(std::vector<CallParent>& out);

    [[nodiscard]] const ReconstructorCounters& counters() const { return counters_; }

private:
    struct Held {
        ServiceCall call;
        std::uint64_t request = 0;
        std::uint32_t parent = WindowSolver::kNone;  // place in held_, of one that is decided
        bool decided = false;
    };
    void solve(std::size_t decide, std::vector<CallParent>& out);
    void carry_on(std::size_t decided);
    static std::int64_t start(const ServiceCall& c) {
        return c.seen_by_caller ? c.caller_start : c.callee_start;
    }
    static std::int64_t end(const ServiceCall& c) { return c.seen_by_caller ? c.caller_end : c.callee_end; }

    ReconstructorOptions options_;
    double step_us_ = 1;
    std::unique_ptr<WindowSolver> solver_;
    std::vector<Held> held_;
    std::size_t fresh_ = 0;  // of held_, not decided
    std::uint64_t next_request_ = 1;
    std::int64_t decided_until_ = INT64_MIN;
    ReconstructorCounters counters_;
};

}  // namespace autotune::analysis
