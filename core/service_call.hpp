// ServiceCall: one call between services as two ends saw it, without a word on whose behalf it was made.
#pragma once

#include <cstdint>
#include <string>

namespace autotune {

// Times in nanoseconds; the caller's and the callee's clocks may differ by any amount. Numbers of services
// and endpoints (a service and an operation) are those of the FlowNames beside it.
struct ServiceCall {
    static constexpr std::uint32_t kNone = 0xffffffff;

    std::string id;
    std::uint32_t caller = kNone;                   // service; kNone: from outside, a root
    std::uint32_t callee = 0;                       // service
    std::uint32_t endpoint = 0;                     // callee and operation
    bool seen_by_caller = false;                    // else caller_start and caller_end say nothing
    std::int64_t caller_start = 0, caller_end = 0;  // start <= end
    std::int64_t callee_start = 0, callee_end = 0;  // start <= end
};

// What was found of one: the call while serving which it was made.
struct CallParent {
    std::string id, parent;  // parent is "" of a root, and of one for which there is none
    std::uint32_t caller = ServiceCall::kNone, callee = 0;
    float confidence = 1;  // 0 to 1, against the other calls it could have been made for; of a root 1
};

}  // namespace autotune
