#include "exporters/render/speedscope.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

std::string_view unit_of(ProfileUnit unit) {
    switch (unit) {
        case ProfileUnit::nanoseconds: return "nanoseconds";
        case ProfileUnit::bytes: return "bytes";
        case ProfileUnit::count: return "none";
    }
    return "none";
}

}  // namespace

std::string speedscope(const Profile& profile) {
    std::string out =
        R"({"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"autotune","name":)" +
        json_string(profile.title) + R"(,"shared":{"frames":[)";
    for (std::size_t i = 0; i < profile.frames.size(); ++i) {
        const ProfileFrame& frame = profile.frames[i];
        out += (i > 0 ? ",{\"name\":" : "{\"name\":") +
               json_string(frame.name.empty() ? "[unknown]" : frame.name);
        if (!frame.file.empty()) out += ",\"file\":" + json_string(frame.file);
        if (frame.line != 0) out += ",\"line\":" + std::to_string(frame.line);
        out += '}';
    }
    std::string weights;
    out += R"(]},"profiles":[{"type":"sampled","name":)" + json_string(profile.title) + R"(,"unit":")" +
           std::string(unit_of(profile.unit)) + R"(","startValue":0,"endValue":)" +
           std::to_string(profile.total()) + R"(,"samples":[)";
    std::vector<std::uint32_t> stack;
    for (const ProfileNode& last : profile.nodes) {
        if (last.self == 0) continue;
        stack.clear();
        for (const ProfileNode* node = &last; node != profile.nodes.data();
             node = &profile.nodes[node->parent])
            stack.push_back(node->frame);
        out += weights.empty() ? "[" : ",[";
        for (auto frame = stack.rbegin(); frame != stack.rend(); ++frame)
            out += (frame == stack.rbegin() ? "" : ",") + std::to_string(*frame);
        out += ']';
        weights += (weights.empty() ? "" : ",") + std::to_string(last.self);
    }
    return out + "],\"weights\":[" + weights + "]}]}";
}

}  // namespace autotune::render
