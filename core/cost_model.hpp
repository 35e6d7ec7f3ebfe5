// CostModel and Tariff: an application as its bill sees it, and what a provider asks. Passive; read from
// files by rules/cost, computed with by analyzer/cost.
//
// After P. Leitner, J. Cito, E. Stöckli: Modelling and managing deployment costs of microservice-based cloud
// applications (CostHat), UCC 2016. Money is USD; what is per period is per period of the model, a month
// unless its file says so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/decimal.hpp"
#include "core/result.hpp"

namespace autotune {

struct CostCall {
    std::uint32_t to = 0;  // endpoint
    Decimal times;         // calls of it by one call: n · p
};

// What one call costs where it is given instead of computed from a tariff.
struct GivenCost {
    std::optional<Decimal> api, compute, io;
};

struct CostEndpoint {
    std::string name;           // "orders", or "orders/list" where a service has several
    std::uint32_t service = 0;  // index
    Decimal load;               // calls from outside a period
    std::vector<CostCall> calls;
    Decimal duration_ms;                          // of a call, without its init phase
    std::map<std::int64_t, Decimal> duration_at;  // the same by memory in MB, where it is known
    // Mean billed time of a call by tariff, as the rounding of each single call made it, the init phases that the tariff
    // bills included; of `billed_memory_mb`. Where it is known it counts instead of the rounded duration.
    std::map<std::string, Decimal, std::less<>> billed_ms;
    std::int64_t billed_memory_mb = 0;
    Decimal init_ms, cold;  // how long an init phase takes; the share of calls that has one
    Decimal out_gb;         // that one call sends to the internet
    std::string api;        // the tariff's gateway that calls come through; "" none
    GivenCost given;
    Decimal other;  // USD a period, if it is called at all
    // Of an instance service: the share of an instance that one call a period takes up; or the calls that one
    // instance can serve.
    Decimal share;
    std::optional<Decimal> capacity;
};

struct CostService {
    std::string name;
    bool instances = false;        // else functions
    std::string tariff;            // by name
    std::int64_t memory_mb = 128;  // functions
    std::optional<Decimal> cpu;    // vCPUs or GHz; unset: what the tariff gives to the memory
    Decimal instance_usd;          // an instance a period
    Decimal other;                 // USD a period
};

struct CostModel {
    bool free_tier = true;
    std::vector<CostService> services;    // in the file's order
    std::vector<CostEndpoint> endpoints;  // likewise
};

// Usage a period is paid by tiers: what is above the last tier's end and below the own is paid at the own
// price.
struct PriceTier {
    std::optional<Decimal> up_to;  // unset: no end
    Decimal usd;                   // for one unit
};

// `pool`: meters of one pool are added up before tiers are crossed; `free_pool`: of those before the free
// amount is taken off. Both are names beyond one tariff (x86 and arm share a free tier, not tiers).
struct Meter {
    std::string pool, free_pool;
    Decimal free;
    std::vector<PriceTier> tiers;  // at least one; ends rise, the last has none
};

struct TariffSize {
    std::int64_t memory_mb = 0;
    Decimal cpu;
};

struct TariffSource {
    std::string url, read;  // the day on which it said so; empty: the prices were not compared with it
};

struct Tariff {
    std::string name, title;
    std::string as_of;  // the day from which on these prices are known to hold
    std::string note;
    std::vector<TariffSource> sources;
    Decimal step_ms = 1, least_ms = 0;  // billed time is rounded up to steps, and is at least that
    Decimal megabytes_a_gb = 1024;
    bool init_billed = true;
    std::int64_t memory_step_mb = 1, least_memory_mb = 1, most_memory_mb = 0;  // 0: no bound
    std::vector<TariffSize> sizes;                    // rising; empty: any memory, no CPU
    std::optional<Meter> requests, memory, cpu, out;  // calls; GB-s; vCPU-s or GHz-s; GB
    std::optional<Meter> kept;                        // GB-s of environments that are kept initialised, called or not; in no bill
    std::map<std::string, Meter> apis;                // gateways, by name: calls
};

// The size that is billed for so much memory: the next one that the tariff has. Errors: invalid_argument, "9000 MB of
// memory; gcf goes up to 8192 MB".
[[nodiscard]] Result<TariffSize> billed_size(const Tariff& tariff, std::int64_t memory_mb);

}  // namespace autotune
