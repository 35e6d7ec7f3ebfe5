#include "cli/joined_profiles.hpp"

#include <utility>
#include <vector>

namespace autotune::cli {

void JoinedProfiles::add(const std::string& name, const Profile& part) {
    const std::uint32_t top = name.empty() ? 0 : builder_.child(0, builder_.frame(name));
    std::vector<std::uint32_t> nodes(part.nodes.size(), top), frames(part.frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = builder_.frame(part.frames[i]);
    builder_.add(top, part.nodes.front().self);
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        nodes[i] = builder_.child(nodes[part.nodes[i].parent], frames[part.nodes[i].frame]);
        builder_.add(nodes[i], part.nodes[i].self);
    }
    truncated_ += part.truncated;
    unit_ = part.unit;
    measure_ = part.measure;
}

Profile JoinedProfiles::build(std::string title) && {
    Profile profile = std::move(builder_).build(std::move(title), unit_, truncated_);
    profile.measure = measure_;
    return profile;
}

}  // namespace autotune::cli
