// A profile as flame graphs read it: nodes that differ only in line, file or build become one.
#pragma once

#include <functional>
#include <optional>

#include "core/profile.hpp"

namespace autotune::render {

// Frames become what `shown` makes of them, and those that are then alike one; stacks without frames are
// kUnknownFrame.
[[nodiscard]] Profile merged_by(const Profile& profile,
                                const std::function<ProfileFrame(const ProfileFrame&)>& shown);

// The profile itself when nothing is to be merged. REQUIRES: the profile outlives it.
class MergedByName {
public:
    explicit MergedByName(const Profile& profile);
    [[nodiscard]] const Profile& operator*() const { return merged_ ? *merged_ : profile_; }

private:
    const Profile& profile_;
    std::optional<Profile> merged_;
};

}  // namespace autotune::render
