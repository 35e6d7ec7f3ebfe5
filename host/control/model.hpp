// The control API's nouns: functions, their versions and aliases. Passive values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace autotune::host {

struct Code {
    std::string sha256;      // of the zip, base64: what Lambda calls CodeSha256
    std::uint64_t size = 0;  // bytes of the zip
    bool operator==(const Code&) const = default;
};

// A layer's version as a function has it. The code is noted, since the version may be removed.
struct AttachedLayer {
    std::string arn;
    Code code;
    bool operator==(const AttachedLayer&) const = default;
};

// What a caller may set, and what a published version freezes.
struct Settings {
    std::string runtime;
    std::string handler;
    std::string role;
    std::string architecture;  // recorded, not enforced: functions run on this machine
    std::uint32_t memory_mb = 128;
    std::uint32_t timeout_s = 3;
    std::uint32_t ephemeral_mb = 512;  // recorded, not enforced
    std::string tracing = "PassThrough";
    std::map<std::string, std::string> environment;
    std::vector<AttachedLayer> layers;  // later ones lie over earlier ones
    bool operator==(const Settings&) const = default;
};

// $LATEST at one revision, or a published version.
struct Configuration {
    std::string function;
    std::string version;  // "$LATEST", "1", …
    std::string description;
    Settings settings;
    Code code;
    std::string revision_id;
    WallTime last_modified;
    bool operator==(const Configuration&) const = default;
};

struct Alias {
    std::string name;
    std::string version;                    // gets the rest of the calls
    std::optional<std::string> additional;  // a second published version …
    double weight = 0;                      // … and its share of calls, 0..1
    std::string description;
    std::string revision_id;
    bool operator==(const Alias&) const = default;
};

// Sandboxes that are initialised ahead for an alias or a version.
struct Provisioned {
    std::uint32_t count = 0;
    WallTime last_modified;
    bool operator==(const Provisioned&) const = default;
};

struct Function {
    Configuration latest;
    std::map<std::uint64_t, Configuration> versions;  // published, immutable
    std::uint64_t next_version = 1;                   // numbers are never used again
    std::map<std::string, Alias> aliases;
    std::map<std::string, std::string> tags;
    std::optional<std::uint32_t> reserved_concurrency;
    std::map<std::string, Provisioned> provisioned;  // by qualifier
    // Hash of the folder and function.yaml this came from; empty when made through the API. Tells at
    // start whether the files changed, without undoing what the API changed since.
    std::string origin;
    bool operator==(const Function&) const = default;
};

}  // namespace autotune::host
