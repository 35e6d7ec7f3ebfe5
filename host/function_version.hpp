// What a sandbox runs: one immutable snapshot of a function, $LATEST at one revision or a published
// version. The control API makes them, the invoker runs them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/time.hpp"

namespace autotune::host {

struct FunctionVersion {
    std::string name;
    std::string version;             // "$LATEST", "1", …
    std::string arn;                 // unqualified function ARN
    std::string runtime;             // "python3.11", "provided", "provided.al2023", …
    std::string handler;
    std::uint32_t memory_mb = 128;
    Nanos timeout = std::chrono::seconds(3);
    std::map<std::string, std::string> environment;
    std::filesystem::path code;      // folder with the unpacked package, read-only to the function
    std::filesystem::path layers;    // folder with what it finds below /opt; empty: nothing
    std::string revision_id;         // changes with every change of $LATEST: sandboxes of an old one retire
};
using FunctionVersionPtr = std::shared_ptr<const FunctionVersion>;

}  // namespace autotune::host
