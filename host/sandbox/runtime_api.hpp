// RuntimeApi: the state machine of the Lambda Runtime API 2018-06-01, for one sandbox. Pure: requests
// in, verdicts out; who listens and what an invocation is are the sandbox's business.
//
// Specification: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "net/http.hpp"

namespace autotune::host {

// "Maximum 6 MB": 6 MiB and 100 bytes, as Lambda enforces it.
inline constexpr std::size_t kResponseLimit = 6 * 1024 * 1024 + 100;

// Where this host's own bootstraps tell how it goes with an invocation that is held for a debugger: POST
// …/waiting is answered when they are to go on, …/attached and …/over at once.
inline constexpr std::string_view kHoldPath = "/autotune/hold/";

enum class RuntimeCall : std::uint8_t { next, response, error, init_error, unknown, wrong_method };

struct RuntimeTarget {
    RuntimeCall call = RuntimeCall::unknown;
    std::string request_id;  // of response and error
};
[[nodiscard]] RuntimeTarget parse_runtime_target(std::string_view method, std::string_view target);

class RuntimeApi {
public:
    enum class State : std::uint8_t {
        initializing,  // no call yet
        ready,         // waits in /next
        invoking,      // has an invocation, owes the answer
        responded,     // gave the answer, has not asked for the next yet
        failed,        // reported init/error
    };

    enum class Verdict : std::uint8_t {
        accepted,
        unknown_path,        // 404
        wrong_method,        // 405
        invalid_request_id,  // 400
        invalid_transition,  // 403
    };

    // Moves on when the call is allowed now; changes nothing otherwise.
    Verdict receive(const RuntimeTarget& target);
    // The waiting /next gets this invocation. REQUIRES: state() == ready.
    void dispatch(std::string request_id);
    // The waiting /next was lost: its connection broke before there was an answer.
    void forget_next();

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const std::string& request_id() const { return request_id_; }  // current or last

private:
    State state_ = State::initializing;
    State before_ready_ = State::initializing;
    std::string request_id_;
};

// What the runtime hears: 202 {"status":"OK"}, or the error. REQUIRES for /next: verdict != accepted.
[[nodiscard]] net::HttpResponse runtime_answer(RuntimeApi::Verdict verdict);
[[nodiscard]] net::HttpResponse too_large_answer();  // 413

// The head and body of the answer to /next. Tracers read the head off the wire, so the Lambda fields
// come before all others.
struct NextFields {
    std::string request_id, invoked_arn, trace_id, client_context;
    std::int64_t deadline_ms = 0;  // since the epoch
    std::optional<Nanos> held_left;  // of an invocation that is held for a debugger: its time without that
    std::string payload;
};
[[nodiscard]] net::HttpResponse next_answer(NextFields fields);

}  // namespace autotune::host
