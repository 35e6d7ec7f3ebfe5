// CallLog: what became of calls, for an agent that asks: which were refused, and which input got which output. Bounded;
// kept in memory only, so a host that starts anew has a log of its own.
//
// Inputs and outputs are told as the first 64 bits of HMAC-SHA-256 (RFC 2104) under a key of this log's, drawn when it is
// made: equal ones are equal, and nobody who reads them can try out what they were.
// On the event loop's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::host {

struct LoggedCall {
    std::uint64_t number = 0;
    std::string function;
    WallTime at;
    bool throttled = false;
    std::optional<std::uint32_t> limit;    // throttled: the function's reservation; unset: the account's was used up
    std::string id, version;               // answered: the version and its revision
    std::uint64_t input = 0, output = 0;
};

class CallLog {
public:
    static constexpr std::size_t kMost = 20'000, kPage = 5'000;

    CallLog();
    void add(LoggedCall call);
    [[nodiscard]] std::uint64_t hash(std::string_view first, std::string_view second) const;

    struct Page {
        std::vector<const LoggedCall*> calls;  // valid until the next add()
        std::string next;                      // where to go on
        bool more = false;
        std::uint64_t missed = 0;              // were forgotten
    };
    // After `cursor`, the `next` of an earlier page; "oldest": from the first there is; of another host's log: all that came
    // since this one was started; "": nothing yet. Errors: invalid_argument.
    [[nodiscard]] Result<Page> after(std::string_view cursor) const;

private:
    [[nodiscard]] std::string cursor_at(std::uint64_t number) const;

    std::array<unsigned char, 32> key_{};
    std::string name_;  // of this log, in its cursors
    std::deque<LoggedCall> calls_;
    std::uint64_t next_ = 1;
};

}  // namespace autotune::host
