// What `autotune fuse` prints of a regrouping.
#pragma once

#include <string>

#include "rules/recluster/predict.hpp"

namespace autotune::cli {

struct FuseVerdict {
    rules::CallLog log;
    rules::Links links;
    rules::Regrouping plan;
};

[[nodiscard]] std::string fuse_json(const FuseVerdict& verdict);  // one line, ends in a newline
[[nodiscard]] std::string fuse_text(const FuseVerdict& verdict);

}  // namespace autotune::cli
