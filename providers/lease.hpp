// Lease: of all agents only one changes a function at a time, also where they know nothing of each other.
//
// The lease is a text beside the function (Lambda: the tag "autotune:lease"): who has it, the number of the renewal, how
// long it is good for. The platform compares nothing when it is written, so it is taken as Lamport's fast mutual exclusion
// does it (L. Lamport, 1987): look, write, wait, look again: who still reads the own text has it. Whoever wrote later than
// half the wait after the look has not taken it. No wall clock is compared: a lease has expired when this process has seen
// the same text for as long as the text says, by its own monotonic clock (as the leader election of Kubernetes' client-go),
// so clocks may jump and differ. What holds when a network delays a write for longer than that: each change is a
// compare-and-swap on the function's and the alias' etags, whoever lost the lease stops and goes back, and only what is
// still as that agent left it is put back (docs/decisions/0034).
//
// For this room only. One thread. REQUIRES: provider and clock outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/function.hpp"
#include "core/provider.hpp"
#include "core/time.hpp"

namespace autotune {

struct LeaseText {
    std::string owner;
    std::uint64_t count = 0;  // renewals
    Nanos good_for{0};        // whole seconds
    std::string since;        // for people: UTC
    bool operator==(const LeaseText&) const = default;
};
// "ip-10-0-0-7-5f3a 17 60s since 2026-11-27T01:50:00Z": letters that tags may have.
[[nodiscard]] std::string to_text(const LeaseText& lease);
[[nodiscard]] std::optional<LeaseText> lease_from(std::string_view text);

enum class Holder : std::uint8_t { nobody, this_agent, another, expired };  // expired: another's

struct LeaseTerms {
    std::string owner;  // "": no leases are taken
    Nanos good_for = std::chrono::seconds(60);
    Nanos settle = std::chrono::seconds(1);  // between writing and looking again
};

class Leases {
public:
    Leases(Provider& provider, const Clock& clock, LeaseTerms terms)
        : provider_(provider), clock_(clock), terms_(std::move(terms)) {}

    [[nodiscard]] bool are_taken() const { return !terms_.owner.empty() && provider_.capabilities().leases; }
    [[nodiscard]] const LeaseTerms& terms() const { return terms_; }

    // Whose the lease is that the platform showed just now. A text that cannot be read is another's.
    [[nodiscard]] Holder look(const FunctionRef& function, const std::string& text);
    // "agent X changes it since T", of a text that is another's.
    [[nodiscard]] std::string who(const std::string& text) const;
    // Writes the own text, another one than any before; gives it.
    Result<std::string> write(const FunctionRef& function);
    Status release(const FunctionRef& function) {
        own_.erase(function);
        return provider_.set_lease(function, "");
    }

private:
    struct Watched {
        std::string text;
        Timestamp since;  // unchanged since then, as far as was looked
    };
    Provider& provider_;
    const Clock& clock_;
    LeaseTerms terms_;
    std::map<FunctionRef, Watched> watched_;           // of others
    std::map<FunctionRef, LeaseText> own_;
};

}  // namespace autotune
