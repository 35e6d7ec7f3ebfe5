// Doctor: what this kernel and this user allow, which backend will be used, and what a probe costs here.
//
// Looks and measures only; leaves nothing behind. Takes less than a second. Never fails: what cannot be
// found out is a check that says so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace autotune::doctor {

enum class Health : std::uint8_t {
    ok,
    degraded,  // something works less well, or is only used by a fallback
    missing,   // not there
};

struct Check {
    std::string name;  // "btf", "ring-buffer", …; stable, for machines
    Health health = Health::ok;
    bool required = false;  // the eBPF backend cannot work without it
    std::string detail;     // what was found
    std::string remedy;     // how to get it; empty when nothing is to be done
};

// The price of one operation on this machine: nanoseconds, over `rounds` repetitions of a short loop.
struct Cost {
    std::string operation;
    double median_ns = 0;
    double low_ns = 0;   // 10th percentile
    double high_ns = 0;  // 90th percentile
    std::uint32_t rounds = 0;
};

struct Diagnosis {
    std::string kernel;    // "6.1.0-18-amd64 x86_64"
    std::string backend;   // that will be used: "bpf", "ptrace" or "runtime"
    std::vector<Check> checks;
    std::vector<Cost> costs;           // empty where they could not be measured
    std::vector<std::string> works;    // sentences: what one gets here
    std::vector<std::string> lacking;  // sentences: what one does not

    [[nodiscard]] bool bpf_works() const { return backend == "bpf"; }
};

[[nodiscard]] Diagnosis diagnose();

}  // namespace autotune::doctor
