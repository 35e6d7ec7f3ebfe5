// InvocationDeeds: what processes do while invocations run, as samples with their time, whoever tells them: the sampler of stacks, or
// the library that tells CPython's allocations. Whose they are is the analyzer's to find.
//
// One thread. Begun after the source of boundaries, and polled after it: the batch of a round holds its boundaries already.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/bpf/bpf_source.hpp"
#include "analyzer/analyzer.hpp"
#include "cli/profile_live.hpp"
#include "cli/python_allocations.hpp"
#include "core/event.hpp"
#include "core/result.hpp"

namespace autotune::cli {

class InvocationDeeds {
public:
    virtual ~InvocationDeeds() = default;

    virtual Status start() = 0;
    // Appends what came.
    virtual Status poll(EventBatch& batch) = 0;
    virtual Status finish(EventBatch& batch) = 0;

    enum class Expected : std::uint8_t {
        told,    // its deeds are told from now on at the latest
        untold,  // they are not, so far
        later,   // it is too early to say
    };
    // An executor that is wanted was heard of; `works`: it has begun an invocation.
    virtual Expected expect(const ProcessId& process, bool works) = 0;

    // Of which samples profiles are made.
    [[nodiscard]] virtual ProfileOf kind() const = 0;
    // What it is called, behind what it is of; may be empty.
    [[nodiscard]] virtual std::string title() const { return {}; }
    virtual void mark(Profile& profile) const = 0;
    // After finish(): samples, losses and notes. Errors: unsupported, when nothing could be told at all.
    virtual Status conclude(LiveProfile& out) = 0;
    // Weight of all that was told, whosever it is; 0: that is not known.
    [[nodiscard]] virtual std::uint64_t weight() const { return 0; }
};

// The target outlives what is made. REQUIRES: `boundaries` has been started.
[[nodiscard]] Result<std::unique_ptr<InvocationDeeds>> sampled_deeds(const ProfileTarget& target, const BpfSource& boundaries,
                                                                     const Detail& detail);
// `allocations` outlives it, too.
[[nodiscard]] std::unique_ptr<InvocationDeeds> allocation_deeds(const ProfileTarget& target, PythonAllocations& allocations);

}  // namespace autotune::cli
