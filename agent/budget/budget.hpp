// Budget: how much of a core the agent may use, its BPF programs included, and what it gives up to keep within that.
//
// A state machine without clock and I/O: it is told what was spent so far and says what of the wish is left. It gives
// up one thing after the other, in the order of Given, while the load is above the budget; after a time well below it,
// it takes the last one back. When that was too early the next time is twice as long. Invocations that fail, kills and
// usage are never given up. One thread uses it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/event_source.hpp"
#include "core/time.hpp"

namespace autotune {

enum class Given : std::uint8_t {  // up, in this order
    waits,         // each single wait; sums by cause stay
    most_samples,  // of the stacks: 19 a second stay
    file_io,       // each call on files
    socket_io,     // each call on sockets
    last_calls,    // the system calls that black boxes remember
    samples,       // all stacks
    causes,        // what threads wait for: context switches then cost a fifth
    invocations,   // of those that end well three in four; the next time fifteen in sixteen, then 63 in 64. Only
                   // while many events come: of few, telling fewer saves nothing and hides what happens
};
inline constexpr std::size_t kGivenCount = 8;
inline constexpr std::uint32_t kFewSamplesHz = 19;
inline constexpr std::uint32_t kToldFewer = 4;      // one in so many, each time that invocations are given up
inline constexpr std::size_t kTimesToldFewer = 3;
[[nodiscard]] std::string_view to_string(Given what);  // "waits", "most_samples", …: label values
[[nodiscard]] std::string_view describe(Given what);   // for people

struct BudgetOptions {
    double cores = 0.01;
    Nanos window = std::chrono::seconds(5);        // the load is the mean of this
    double much = 4;                               // so many times the budget is not looked at that long
    double many = 100;                              // events a second from which invocations are given up
    double little = 0.5;                           // this share of the budget, and less, is well below it
    Nanos patience = std::chrono::seconds(30);     // so long it must be, before something is taken back
    Nanos most_patience = std::chrono::minutes(10);
    bool causes = true;                            // giving them up saves something here
};

struct Spent {
    Timestamp at;
    double seconds = 0;        // of CPU, since any fixed time
    std::uint64_t events = 0;  // told, since then
};

class Budget {
public:
    Budget(const BudgetOptions& options, Detail wish);

    // Some times within a window. True when something was given up or taken back.
    bool weigh(const Spent& now);

    [[nodiscard]] std::span<const Given> given_up() const { return {steps_.data(), level_}; }
    [[nodiscard]] Detail detail() const;                // what is left of the wish
    [[nodiscard]] double load() const { return load_; }  // cores
    [[nodiscard]] double cores() const { return options_.cores; }

private:
    void change(const Spent& now, std::size_t level);

    BudgetOptions options_;
    Detail wish_;
    std::vector<Given> steps_;  // those that the wish has something for
    std::size_t level_ = 0;     // how many of them are given up
    std::deque<Spent> seen_;    // of the window, since the last change
    double load_ = 0;
    Nanos patience_;
    std::optional<Timestamp> below_since_, taken_back_;
};

}  // namespace autotune
