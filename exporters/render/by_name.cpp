#include "exporters/render/by_name.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/profile_builder.hpp"

namespace autotune::render {

namespace {

bool has_namesakes(const Profile& profile) {
    std::unordered_set<std::string_view> seen;
    seen.reserve(profile.frames.size());
    for (const ProfileFrame& f : profile.frames)
        if (!seen.insert(f.name).second) return true;
    return false;
}

bool has_empty_stacks(const Profile& profile) {
    return profile.nodes[0].self > 0 || (!profile.before.empty() && profile.before[0] > 0);
}

}  // namespace

Profile merged_by(const Profile& profile, const std::function<ProfileFrame(const ProfileFrame&)>& shown) {
    ProfileBuilder builder;
    std::vector<std::uint32_t> frames, nodes(profile.nodes.size());
    frames.reserve(profile.frames.size());
    for (const ProfileFrame& f : profile.frames) frames.push_back(builder.frame(shown(f)));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const ProfileNode& node = profile.nodes[i];
        if (i > 0) nodes[i] = builder.child(nodes[node.parent], frames[node.frame]);
        const std::uint32_t to =
            i == 0 && has_empty_stacks(profile)
                ? builder.child(0, builder.frame(shown({.name = std::string(kUnknownFrame)})))
                : nodes[i];
        builder.add(to, node.self);
        if (!profile.before.empty()) builder.add_before(to, profile.before[i]);
    }
    Profile merged = std::move(builder).build(profile.title, profile.unit, profile.truncated);
    merged.measure = profile.measure;
    merged.period = profile.period;
    return merged;
}

MergedByName::MergedByName(const Profile& profile) : profile_(profile) {
    if (has_namesakes(profile) || has_empty_stacks(profile))
        merged_ = merged_by(
            profile, [](const ProfileFrame& f) { return ProfileFrame{.name = f.name, .kind = f.kind}; });
}

}  // namespace autotune::render
