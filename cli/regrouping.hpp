// The plan step `recluster`, worked out: from the calls on record and the platform's own code to a package that can be deployed.
//
// Takes seconds: records are read, and code is fetched. Nothing is changed but files in `packages`.
#pragma once

#include <filesystem>
#include <string>

#include "core/provider.hpp"
#include "core/result.hpp"
#include "rules/plan/regrouper.hpp"
#include "rules/recluster/log.hpp"

namespace autotune::cli {

struct RegroupPlace {
    Provider& provider;
    std::filesystem::path state;     // of the agent, whose records are read
    std::filesystem::path packages;  // where what is to be deployed is left, named by its hash
    std::string alias = {};          // as ExecutorOptions::alias
};

// Errors: as rules::Regrouper says; unavailable and the like also of the platform and the store.
[[nodiscard]] Result<rules::Regrouped> regroup(const RegroupPlace& place, const FunctionRef& function, const rules::ReclusterStep& step);

// The function with those that it waits for, where that is cheaper for what `log` tells of its requests.
[[nodiscard]] Result<rules::Regrouped> fuse(const RegroupPlace& place, const FunctionRef& function, const rules::CallLog& log);

// The function's own code again, as its group's package has it.
[[nodiscard]] Result<rules::Regrouped> split(const RegroupPlace& place, const FunctionRef& function);

}  // namespace autotune::cli
