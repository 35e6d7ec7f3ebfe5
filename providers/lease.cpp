#include "providers/lease.hpp"

#include <charconv>
#include <sstream>

namespace autotune {

std::string to_text(const LeaseText& lease) {
    return lease.owner + " " + std::to_string(lease.count) + " " +
           std::to_string(std::chrono::ceil<std::chrono::seconds>(lease.good_for).count()) + "s since " + lease.since;
}

std::optional<LeaseText> lease_from(std::string_view text) {
    std::istringstream words{std::string(text)};
    LeaseText lease;
    std::string length, since, more;
    if (!(words >> lease.owner >> lease.count >> length >> since >> lease.since) || words >> more || since != "since" ||
        !length.ends_with('s'))
        return std::nullopt;
    std::int64_t seconds = 0;
    const char* end = length.data() + length.size() - 1;
    const auto [read, error] = std::from_chars(length.data(), end, seconds);
    if (error != std::errc() || read != end || seconds <= 0 || seconds > 86'400) return std::nullopt;
    lease.good_for = std::chrono::seconds(seconds);
    return lease;
}

Holder Leases::look(const FunctionRef& function, const std::string& text) {
    const auto lease = lease_from(text);
    if (text.empty() || (lease && lease->owner == terms_.owner)) {
        watched_.erase(function);
        return text.empty() ? Holder::nobody : Holder::this_agent;
    }
    const Timestamp now = clock_.now();
    const auto [known, is_new] = watched_.try_emplace(function, Watched{text, now});
    if (known->second.text != text) known->second = {text, now};
    const Nanos good_for = lease ? lease->good_for : terms_.good_for;
    return now - known->second.since >= good_for ? Holder::expired : Holder::another;
}

std::string Leases::who(const std::string& text) const {
    const auto lease = lease_from(text);
    return lease ? "agent " + lease->owner + " changes it since " + lease->since : "another agent changes it (\"" + text + "\")";
}

Result<std::string> Leases::write(const FunctionRef& function) {
    LeaseText& own = own_[function];
    if (own.owner.empty())
        own = {.owner = terms_.owner, .count = 0, .good_for = terms_.good_for, .since = to_rfc3339(clock_.wall())};
    ++own.count;
    const std::string text = to_text(own);
    if (const Status written = provider_.set_lease(function, text); !written) return written.forward();
    return text;
}

}  // namespace autotune
