// BlackBoxes: joins what was written down of killed processes with the invocations that ended so, and keeps it.
//
// One thread. Kept in a folder of the agent's state, a file of JSON an invocation, the newest 1,000.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "agent/black_box/recorder.hpp"
#include "core/black_box.hpp"
#include "core/event.hpp"
#include "core/invocation.hpp"
#include "core/result.hpp"

namespace autotune::cli {

[[nodiscard]] inline std::filesystem::path black_box_folder(const std::filesystem::path& state) {
    return state / "black_boxes";
}

// Errors: not_found, invalid_argument (no id of an invocation), corrupt.
[[nodiscard]] Result<BlackBox> stored_black_box(const std::filesystem::path& folder, const std::string& invocation);

class BlackBoxes {
public:
    // The recorder outlives it.
    BlackBoxes(black_box::Recorder& recorder, std::filesystem::path folder);

    // What happened, in batches: who serves, until when.
    void listen(std::span<const Event> events);

    // Invocations that have ended. Waits for what is being written down of those that were killed, at most a quarter of
    // a second. Errors: the folder's.
    Status join(std::span<const Invocation> finished);

    // Of the function's last invocation that was killed: where, and whose black box tells; empty: none yet.
    struct Last {
        std::string culprit, invocation;
    };
    [[nodiscard]] Last last_of(const std::string& function) const;

    // Of the function's invocations that were killed at `from` or later: how many black boxes tell of. Of the newest 1,000.
    [[nodiscard]] std::size_t count_since(const std::string& function, Timestamp from) const;

private:
    struct Ended {
        Invocation invocation;
        int rank = 0;  // of the box that it has; 0: none
    };
    struct Watched {
        ProcessId process;
        Timestamp at;
    };
    void watch(const Event& event);
    Status match(BlackBox box);
    Status keep(Ended& ended, BlackBox box, int rank);

    black_box::Recorder& recorder_;
    std::filesystem::path folder_;
    std::deque<Ended> ended_;       // killed lately
    std::deque<BlackBox> unmatched_;  // whose invocation has not been told yet
    std::map<std::string, Last> last_;
    std::deque<std::pair<std::string, Timestamp>> told_;  // function and end of those that have a box, oldest first
    std::map<std::int32_t, Watched> watched_;  // by pid: when it was looked at last
    int waited_in_vain_ = 0;
    std::size_t kept_ = 0;
};

}  // namespace autotune::cli
