// WindowSolver: of the calls of one window, which was made while serving which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "analyzer/topology/requests/serving_search.hpp"

namespace autotune::analysis {

// A call between services, as its caller saw it and as its callee served it: microseconds from any one
// origin.
struct WindowCall {
    double start = 0, end = 0;                // of the caller's clock where it is known
    double served_start = 0, served_end = 0;  // of the callee's
    std::uint32_t caller = 0, callee = 0;     // services; caller is kNone of a root
    std::uint32_t endpoint = 0;               // callee and operation
    std::uint32_t given = 0xffffffff;         // parent that was found before, else kNone
    std::uint64_t request = 0;                // of one that was decided before: whose it is; 0: not known
    bool decided = false;                     // `given` and `request` hold
};

struct Found {
    std::uint32_t parent = 0xffffffff;  // number in the window
    float confidence = 1;
};

// Learns as it goes: the models of one window are where the next begins. One owner.
class WindowSolver {
public:
    static constexpr std::uint32_t kNone = Assignment::kNone;

    // `step_us`: of the clocks.
    explicit WindowSolver(double step_us);
    ~WindowSolver();
    WindowSolver(const WindowSolver&) = delete;
    WindowSolver& operator=(const WindowSolver&) = delete;

    // Sorted by start as the caller saw it. One Found a call.
    [[nodiscard]] std::vector<Found> solve(std::span<const WindowCall> calls);

private:
    struct Service;
    struct Known {
        ServingModel model;
        std::unordered_map<std::uint32_t, std::uint32_t> kinds, types;  // by endpoint
        bool join = false;
    };
    void gather(std::span<const WindowCall> calls);
    std::vector<std::uint32_t> in_order() const;
    void prepare(Service& service, Known& known);
    void group(Service& service);
    void write_groups(Service& service);
    void work_on(Service& service, Known& known);
    void keep_order();
    void write(Service& service, Known& known);
    void find_requests();
    void break_cycles();

    double step_us_;
    std::unordered_map<std::uint32_t, Known> known_;
    std::span<const WindowCall> calls_;
    std::vector<std::unique_ptr<Service>> services_;
    std::vector<Found> found_;
    std::vector<std::uint64_t> request_;
};

}  // namespace autotune::analysis
