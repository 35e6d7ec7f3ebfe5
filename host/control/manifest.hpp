// function.yaml: how a folder says what function it is.
//
//   name: thumbnail            # default: the folder's name
//   description: …
//   runtime: python3.11        # or nodejs20.x, or provided
//   handler: app.handler       # not needed for provided
//   memory_mb: 128
//   timeout: 10s               # a CEL duration in whole seconds, or seconds
//   environment: {STAGE: demo}
//   tags: {team: pictures}     # labels is another word for it
//   aliases: {live: 1}         # made at the first start; version 1 is then published
//
// Strict: unknown and duplicate keys, wrong types, octal-looking numbers are refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "host/control/store.hpp"

namespace autotune::host {

struct Manifest {
    NewFunction function;                          // without its code
    std::map<std::string, std::uint64_t> aliases;  // name → version
};

inline constexpr std::string_view manifest_file = "function.yaml";

// Which runtimes it may name: what this host runs, or any, of functions that are packed here for elsewhere.
enum class Runtimes : std::uint8_t { of_this_host, any };

// Errors: invalid_argument, "FILE:LINE:COLUMN: what is wrong"; lines and columns count from 1.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& file,
                                              Runtimes runtimes = Runtimes::of_this_host);

}  // namespace autotune::host
