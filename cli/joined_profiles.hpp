// Several profiles of one kind as one, each below a frame of its own. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/profile.hpp"
#include "core/profile_builder.hpp"

namespace autotune::cli {

class JoinedProfiles {
public:
    // name "": below none.
    void add(const std::string& name, const Profile& part);
    [[nodiscard]] Profile build(std::string title) &&;

private:
    ProfileBuilder builder_;
    std::uint64_t truncated_ = 0;
    ProfileUnit unit_{};
    std::string measure_;
};

}  // namespace autotune::cli
