#include "exporters/render/profile_json.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "exporters/render/amount.hpp"
#include "exporters/render/children.hpp"
#include "exporters/render/flame_colour.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

struct Sums {
    std::vector<std::uint64_t> self, total;  // by frame
};

Sums sums_of(const Profile& profile) {
    const Children children(profile);
    const auto weights = subtree_weights(profile);
    Sums sums{std::vector<std::uint64_t>(profile.frames.size()),
              std::vector<std::uint64_t>(profile.frames.size())};
    std::vector<std::uint32_t> on_path(profile.frames.size());
    std::vector<std::pair<std::uint32_t, bool>> open;  // node, is it left
    for (const std::uint32_t child : children.of(0)) open.emplace_back(child, false);
    while (!open.empty()) {
        const auto [node, left] = open.back();
        open.pop_back();
        const std::uint32_t frame = profile.nodes[node].frame;
        if (left) {
            --on_path[frame];
            continue;
        }
        sums.self[frame] += profile.nodes[node].self;
        if (on_path[frame]++ == 0) sums.total[frame] += weights[node];
        open.emplace_back(node, true);
        for (const std::uint32_t child : children.of(node)) open.emplace_back(child, false);
    }
    return sums;
}

std::string functions(const Profile& profile, const std::vector<std::string>& names) {
    const Sums sums = sums_of(profile);
    std::vector<std::uint32_t> order(profile.frames.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(sums.self[a], sums.total[a]) > std::pair(sums.self[b], sums.total[b]);
    });
    std::string out;
    for (const std::uint32_t i : order) {
        const ProfileFrame& frame = profile.frames[i];
        out += (out.empty() ? "\n{\"name\":" : ",\n{\"name\":") + names[i];
        if (!frame.file.empty()) out += ",\"file\":" + json_string(frame.file);
        if (frame.line != 0) out += ",\"line\":" + std::to_string(frame.line);
        if (!frame.module.empty()) out += ",\"module\":" + json_string(frame.module);
        if (const auto runtime = runtime_name(frame.kind); !runtime.empty())
            out += ",\"runtime\":\"" + std::string(runtime) + "\"";
        out +=
            ",\"self\":" + std::to_string(sums.self[i]) + ",\"total\":" + std::to_string(sums.total[i]) + "}";
    }
    return out;
}

std::string stacks(const Profile& profile, const std::vector<std::string>& names) {
    std::string out;
    std::vector<std::uint32_t> leaf_first;
    for (std::size_t i = 0; i < profile.nodes.size(); ++i) {
        const std::uint64_t weight = profile.nodes[i].self,
                            before = profile.before.empty() ? 0 : profile.before[i];
        if (weight == 0 && before == 0) continue;
        leaf_first.clear();
        for (std::size_t at = i; at != 0; at = profile.nodes[at].parent)
            leaf_first.push_back(profile.nodes[at].frame);
        out += out.empty() ? "\n{\"frames\":[" : ",\n{\"frames\":[";
        for (auto frame = leaf_first.rbegin(); frame != leaf_first.rend(); ++frame)
            out += (frame == leaf_first.rbegin() ? "" : ",") + names[*frame];
        out += "],\"weight\":" + std::to_string(weight);
        if (!profile.before.empty()) out += ",\"before\":" + std::to_string(before);
        out += "}";
    }
    return out;
}

}  // namespace

std::string profile_json(const Profile& profile) {
    std::vector<std::string> names;
    names.reserve(profile.frames.size());
    for (const ProfileFrame& f : profile.frames)
        names.push_back(json_string(f.name.empty() ? kUnknownFrame : std::string_view(f.name)));
    std::string out = "{\"title\":" + json_string(profile.title) + ",\"unit\":\"" + std::string(unit_name(profile.unit)) +
                      "\",\"measure\":" + json_string(profile.measure) +
                      ",\"period\":" + std::to_string(profile.period) +
                      ",\"total\":" + std::to_string(profile.total()) +
                      ",\"truncated\":" + std::to_string(profile.truncated);
    if (!profile.before.empty()) out += ",\"total_before\":" + std::to_string(profile.total_before());
    return out + ",\"functions\":[" + functions(profile, names) + "],\"stacks\":[" + stacks(profile, names) +
           "]}\n";
}

}  // namespace autotune::render
