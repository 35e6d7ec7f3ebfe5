// Provider: one platform's control API. Execute's seam; one adapter a platform in providers/.
//
// Every changing call takes the etag of the state it was decided on and fails with Errc::conflict
// when that state is gone. Errors that may be tried again: unavailable, resource_exhausted;
// timed_out means "unknown whether it happened": read before trying again.
// Calls block; one thread uses a provider at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/function.hpp"
#include "core/observations.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune {

struct Answer {
    std::string payload;
    Version executed;
    bool function_error = false;
    std::string log_tail;
};

class Provider {
public:
    virtual ~Provider() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    [[nodiscard]] virtual Capabilities capabilities() const = 0;
    virtual Result<std::vector<FunctionRef>> list() = 0;
    virtual Result<FunctionState> get(const FunctionRef& function) = 0;
    // Code and configuration of one version, to be deployed again.
    virtual Result<Package> package(const FunctionRef&, const Version& version) = 0;
    // `expected` empty: creates the function. Else new code, and what the package configures beside it.
    virtual Result<FunctionState> deploy(const FunctionRef&, const Package&, const Etag& expected) = 0;
    // Returns when the platform says that the change is complete. Of the state only the head is filled
    // (config, etag, code_hash): versions, aliases and labels take get().
    virtual Result<FunctionState> configure(const FunctionRef&, const ConfigDelta&, const Etag& expected) = 0;
    // ARN of a version of that layer: the newest there is, one that is published now where there is none. A call
    // too many leaves a version that nobody uses.
    virtual Result<std::string> provide_layer(const Layer& layer) = 0;
    // Idempotent while code and configuration are unchanged: then the newest version is returned.
    // `expected`: the head that must be what gets published; empty: whatever it is.
    virtual Result<Version> publish(const FunctionRef&, const Etag& expected) = 0;
    // Sets where `routing.alias` sends its calls; compares with routing.etag when that is not empty.
    virtual Result<Routing> route(const FunctionRef&, const Routing& routing) = 0;
    // Leaves a text beside the function, which get() shows as `lease`; "" takes it away. It is no part of any version.
    // The last who writes wins: there is nothing to compare with. Errors: unsupported, where leases are not kept.
    virtual Status set_lease(const FunctionRef&, const std::string&) {
        return fail(Errc::unsupported, "this platform keeps no leases");
    }
    virtual Result<Answer> invoke(const FunctionRef&, const Qualifier&, std::string_view payload) = 0;
    virtual Status remove(const FunctionRef&) = 0;
    // What happened to calls since `after`, the `next` of the answer before; "": nothing yet, only where to go on;
    // kOldestObservation: all there still is. A platform that tells nothing of it gives Errc::unsupported, and need not be asked
    // again.
    virtual Result<Observations> observe(std::string_view after) = 0;
    // How many invocations of the function may run at a time and are kept for it; nullopt: none are. These go without an
    // etag, for Lambda's have none: whoever sets one looks just before and just after. Platforms without: unsupported.
    virtual Result<std::optional<std::uint32_t>> reserved(const FunctionRef&) {
        return fail(Errc::unsupported, "the platform reserves no concurrency");
    }
    virtual Status reserve(const FunctionRef&, std::optional<std::uint32_t>) {
        return fail(Errc::unsupported, "the platform reserves no concurrency");
    }

    // How many environments are kept initialised for the calls of that alias; nullopt: none are. Without an etag as well.
    // keep_warm returns when it is ordered; kept_warm tells when they are ready. Platforms without: unsupported.
    virtual Result<std::optional<Warm>> kept_warm(const FunctionRef&, const Qualifier& /*alias*/) {
        return fail(Errc::unsupported, "the platform keeps no environments ready");
    }
    virtual Status keep_warm(const FunctionRef&, const Qualifier& /*alias*/, std::optional<std::uint32_t>) {
        return fail(Errc::unsupported, "the platform keeps no environments ready");
    }

    // What code_hash will be of this archive.
    [[nodiscard]] virtual std::string hash_of(std::string_view zip) const = 0;

    // The exact requests that carrying out `change` on `state` would send, one a line, for dry runs.
    [[nodiscard]] virtual std::vector<std::string> preview(const Change& change, const FunctionState& state,
                                                           const CanaryPolicy* canary) const = 0;
};

}  // namespace autotune
