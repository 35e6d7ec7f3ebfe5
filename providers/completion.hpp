// Completion: what is planned without knowing the platform is filled in, and then it is said whether it may be made. For this room only.
#pragma once

#include "core/plan.hpp"
#include "core/provider.hpp"
#include "core/result.hpp"

namespace autotune {

struct Completion {
    Status admitted;      // whether the change may begin; errors as providers/admission.hpp has them
    bool steers = false;  // it goes by the alias: what it publishes gets a share of the calls
};

// Fills in by which handler the wrapper is called, for which alias environments are kept, and how many are now. `alias`: the one of
// `state` to steer, null: none was found. Asks the platform for settings that are no part of a version. Errors: the platform's.
[[nodiscard]] Result<Completion> complete(Provider& provider, Action& action, const FunctionState& state, const Routing* alias);

}  // namespace autotune
