// What a change makes of a function's configuration, and what has to be set for it. Pure. For this room only.
//
// A wrapped function has the wrapper's handler for its runtime, its layer as the last one, and a variable that holds what
// it was: {"handler":"app.handler","timeout_s":3,"remedies":{"cache":{…}}}. So a second remedy joins the first,
// and a remedy that is taken off leaves what was there before, also where the journal is lost.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/function.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune {

inline constexpr std::string_view kRemedyVariable = "AUTOTUNE_REMEDY";
inline constexpr std::string_view kRemedyUnknown = "?";  // in a Tuning: the variables cannot be read, so they must not be set
inline constexpr std::string_view kRemedyLayer = "autotune-remedy-";  // then the hash of what is in it

// The handler by which a function on that runtime is called through the wrapper; "": there is no wrapper for it.
[[nodiscard]] std::string_view wrapper_handler(std::string_view runtime);

// How the head is to be configured, from how it was before. `layer`: ARN or name of the wrapper's layer.
// REQUIRES: the change is no notification. Errors: invalid_argument, for people: the variable is not what a
// wrapper was told, or the remedy that is to be taken off is not there.
[[nodiscard]] Result<Tuning> tuned(const Change& change, const Tuning& before, std::string_view layer);

// What turns `from` into `to`, but for the code. `environment`: the variables that the head has now, which stay.
[[nodiscard]] ConfigDelta difference(const Tuning& from, const Tuning& to,
                                     const std::map<std::string, std::string>& environment);

// `now` with all that a change made of `before` put back, where it still is as the change left it (`wanted`): what
// somebody else set meanwhile stays.
[[nodiscard]] Tuning taken_back(const Tuning& now, const Tuning& before, const Tuning& wanted);

// Versions of one wrapper's layer are alike, since its name stands for its content.
[[nodiscard]] bool same_tuning(const Tuning& a, const Tuning& b);

// What differs, for people: "memory 128 MB, wanted 256 MB"; "" when nothing does.
[[nodiscard]] std::string differs(const Tuning& now, const Tuning& wanted);

}  // namespace autotune
