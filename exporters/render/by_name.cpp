#include "exporters/render/by_name.hpp"

#include <string_view>
#include <unordered_set>

namespace autotune::render {

namespace {

bool has_namesakes(const Profile& profile) {
    std::unordered_set<std::string_view> seen;
    seen.reserve(profile.frames.size());
    for (const ProfileFrame& f : profile.frames)
        if (!seen.insert(f.name).second) return true;
    return false;
}

}  // namespace

Profile merged_by_name(const Profile& profile) {
    if (!has_namesakes(profile)) return profile;
    ProfileBuilder builder;
    std::vector<std::uint32_t> frames, nodes(profile.nodes.size());
    frames.reserve(profile.frames.size());
    for (const ProfileFrame& f : profile.frames)
        frames.push_back(builder.frame({.name = f.name, .kind = f.kind}));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const ProfileNode& node = profile.nodes[i];
        if (i > 0) nodes[i] = builder.child(nodes[node.parent], frames[node.frame]);
        builder.add(nodes[i], node.self);
        if (!profile.before.empty()) builder.add_before(nodes[i], profile.before[i]);
    }
    return std::move(builder).build(profile.title, profile.unit, profile.truncated);
}

}  // namespace autotune::render
