// Where `autotune fuse` has its invocations from: a file, or what an agent recorded.
#pragma once

#include <filesystem>
#include <string>

#include "cli/call_records.hpp"
#include "core/result.hpp"
#include "rules/recluster/constraints.hpp"

namespace autotune::cli {

// Errors: invalid_argument, "line:column: what"; corrupt, not_found and the like of the file.
[[nodiscard]] Result<rules::CallLog> read_call_log(const std::string& path);

// The newest invocations of the agent's store below `state` that there is room for, and of them those that began at most `last`
// before the newest (0: all). Errors: the store's.
[[nodiscard]] Result<RecordedCalls> read_call_records(const std::filesystem::path& state, Nanos last, CallBounds most = {});

// As read_call_log reads it; replaced atomically. Errors: the file system's.
Status write_call_log(const std::filesystem::path& path, const rules::CallLog& log);

// Runtime, role and timeout of each function that has a folder with a function.yaml below `functions`, where the
// constraints do not say them. Errors: invalid_argument, of a function.yaml.
Status add_manifest_traits(const rules::CallLog& log, const std::filesystem::path& functions, rules::GroupConstraints& constraints);

}  // namespace autotune::cli
