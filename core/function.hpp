// A function as its platform describes it: configuration, versions, traffic split.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace autotune {

// Opaque token of one state of one resource (Lambda: RevisionId; Kubernetes: resourceVersion).
using Etag = std::string;
using Version = std::string;    // "$LATEST", "7"
using Qualifier = std::string;  // alias or version; empty: the platform's default

// Where an alias sends its calls. weight: share of calls that go to `candidate`, 0..1.
struct Routing {
    std::string alias;
    Version stable;
    std::optional<Version> candidate;
    double weight = 0;
    Etag etag;                  // of this alias; empty when not read from the platform
    bool same_split(const Routing& o) const {
        return alias == o.alias && stable == o.stable && candidate == o.candidate && weight == o.weight;
    }
};

struct FunctionConfig {
    std::uint32_t memory_mb = 0;
    Nanos timeout{0};
    std::string runtime;
    std::string handler;
    std::map<std::string, std::string> environment;
    std::string role;           // whose rights it has; "" where not told
    std::vector<std::string> layers;  // ARNs of layer versions, in the order in which they are laid over each other
    bool environment_is_known = true;  // false: it may not be read (Lambda: no right to the key it is encrypted with)
    std::string architecture;          // "x86_64"; "" where not told
    std::string network;               // that it is put into (Lambda: the VPC's id), "": none
};

// The part of a configuration that autotune may change, and puts back.
struct Tuning {
    std::uint32_t memory_mb = 0;
    Nanos timeout{0};
    std::string handler;
    std::vector<std::string> layers;
    std::string code_hash;      // "" where not told
    std::string remedy;         // value of the variable that tells the wrapper what to do; "": not wrapped
    bool operator==(const Tuning&) const = default;
};

// What one version is made of. Equal builds behave alike.
struct Build {
    Tuning tuned;
    std::string rest;           // opaque: all other configuration; empty where not told
    bool operator==(const Build&) const = default;
};

struct FunctionState {
    FunctionRef function;
    FunctionConfig config;      // of the unpublished head ($LATEST)
    Etag etag;                  // of that head
    std::string code_hash;
    Build head;
    bool update_in_progress = false;
    std::vector<Version> versions;      // published, oldest first
    std::map<Version, Build> builds;    // what each of them is made of
    std::vector<Routing> aliases;       // sorted by name
    std::map<std::string, std::string> labels;
    std::string lease;                  // which agent may change it, as set_lease() left it; "": none
};

// What to change; unset stays as it is.
struct ConfigDelta {
    std::optional<std::uint32_t> memory_mb;
    std::optional<Nanos> timeout;
    std::optional<std::string> handler;
    std::optional<std::vector<std::string>> layers;
    std::optional<std::map<std::string, std::string>> environment;  // all of it
};

// Files that functions find below /opt. The name stands for the content: another content has another name.
struct Layer {
    std::string name;
    std::string description;
    std::string zip;                    // bytes of the archive
    std::vector<std::string> runtimes;  // that it is for
};

struct Package {                // code to deploy
    std::string zip;            // bytes of the archive
    std::string code_hash;      // as the platform tells it; "" where it is to be found out
    std::string runtime;
    std::string handler;
    FunctionConfig config;
    std::map<std::string, std::string> labels;  // of a function that is created
};

// Environments that are kept initialised for an alias.
struct Warm {
    enum class Status : std::uint8_t { in_progress, ready, failed } status = Status::in_progress;
    std::uint32_t wanted = 0;   // as it was set
    std::string reason;         // of a failure
};

struct Capabilities {
    bool versions = false;          // immutable published versions
    bool weighted_routing = false;  // a share of traffic to one version
    bool live_resize = false;       // memory changes without a new version
    bool layers = false;            // files of others beside a function's own
    bool leases = false;            // remembers which agent may change a function
    bool concurrency = false;       // invocations at a time can be limited to a function, and kept for it
    bool warm = false;              // environments can be initialised ahead, and kept for an alias
    std::uint32_t memory_min_mb = 0, memory_max_mb = 0, memory_step_mb = 1;
    std::string tariff = {};        // that tells best what its calls cost (knowledge/tariffs), by name; "": none is known
};

}  // namespace autotune
