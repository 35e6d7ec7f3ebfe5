// Profiles of a function from its stack samples.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "analyzer/analyzer.hpp"
#include "analyzer/history.hpp"
#include "core/profile.hpp"
#include "core/tables.hpp"

namespace autotune::analysis {

[[nodiscard]] Profile build_profile(const FunctionBook& book, const ProfileQuery& query,
                                    const Tables& tables);

// Of the samples of that kind the ones that `wanted` holds for; no title. "on-CPU": the kind, in titles.
[[nodiscard]] Profile profile_of_samples(const FunctionBook& book, ProfileOf of,
                                         const std::function<bool(const Sample&)>& wanted,
                                         const Tables& tables);
[[nodiscard]] std::string_view shown(ProfileOf of);

// Leaf name of each stack seen so far, so that facts need no tables.
class LeafNames {
public:
    void learn(StackId stack, const Tables& tables);
    // "" when the stack was never learnt or is empty. Valid until the next learn().
    [[nodiscard]] std::string_view operator[](StackId stack) const;

private:
    std::unordered_map<StackId, std::string> names_;
};

struct HottestFrame {
    std::string name;
    double share = 0;  // of the samples within invocations
};
[[nodiscard]] HottestFrame hottest_frame(const FunctionBook& book, const LeafNames& leaves, Timestamp from,
                                         Timestamp to);

}  // namespace autotune::analysis
