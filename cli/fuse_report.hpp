// What `autotune fuse` prints of a regrouping.
#pragma once

#include <optional>
#include <string>

#include "cli/call_records.hpp"
#include "rules/recluster/predict.hpp"

namespace autotune::cli {

struct FuseVerdict {
    rules::CallLog log;
    rules::Links links;
    rules::Regrouping plan;
    std::optional<MissingRecords> missing;  // of what the agent recorded
};

[[nodiscard]] std::string fuse_json(const FuseVerdict& verdict);  // one line, ends in a newline
[[nodiscard]] std::string fuse_text(const FuseVerdict& verdict);
// What the records lack, each on a line of its own; empty when they lack nothing.
[[nodiscard]] std::string missing_text(const MissingRecords& missing);

}  // namespace autotune::cli
