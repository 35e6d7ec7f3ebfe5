#include "exporters/render/flame_html.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "exporters/render/by_name.hpp"
#include "exporters/render/flame_page.hpp"
#include "exporters/render/heaviest.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

std::string_view unit_of(ProfileUnit unit) {
    switch (unit) {
        case ProfileUnit::nanoseconds: return "ns";
        case ProfileUnit::bytes: return "bytes";
        case ProfileUnit::count: return "count";
    }
    return "count";
}

// The nodes of the page: the heaviest, with all above them. What is left out is its parent's own weight
// there.
class Pruned {
public:
    Pruned(const Profile& named, std::size_t most) : weights_(subtree_weights(named)) {
        const auto before = subtree_weights_before(named);
        for (std::size_t i = 0; i < before.size(); ++i) weights_[i] = std::max(weights_[i], before[i]);
        std::uint64_t least = 1;
        if (weights_.size() > most) {
            Heaviest heaviest(std::max<std::size_t>(most, 1));
            for (const std::uint64_t weight : weights_) heaviest.add(weight);
            least = std::max(heaviest.last(), least);
        }
        const bool compared = !named.before.empty();
        LargeVector<std::uint32_t> kept(named.nodes.size());
        for (std::size_t i = 0; i < named.nodes.size(); ++i) {
            const ProfileNode& node = named.nodes[i];
            if (i > 0 && weights_[i] < least) {
                kept[i] = kept[node.parent];  // its weight goes to the nearest that is there
                left_out_ += weights_[i] > 0;
            } else {
                kept[i] = static_cast<std::uint32_t>(nodes_.size());
                nodes_.push_back({node.frame, kept[node.parent], 0});
                if (compared) before_.push_back(0);
            }
            nodes_[kept[i]].self += node.self;
            if (compared) before_[kept[i]] += named.before[i];
        }
    }

    [[nodiscard]] const std::vector<ProfileNode>& nodes() const { return nodes_; }
    [[nodiscard]] const std::vector<std::uint64_t>& before() const { return before_; }
    [[nodiscard]] std::size_t left_out() const { return left_out_; }

private:
    LargeVector<std::uint64_t> weights_;
    std::vector<ProfileNode> nodes_;
    std::vector<std::uint64_t> before_;
    std::size_t left_out_ = 0;
};

template <class Range, class Text>
std::string list(const Range& range, const Text& text) {
    std::string out = "[";
    for (const auto& element : range) {
        if (out.size() > 1) out += ',';
        out += text(element);
    }
    return out + "]";
}

std::string data_json(const Profile& named, const FlameHtmlOptions& options) {
    const Pruned pruned(named, options.max_nodes);
    // Names that no node uses stay out of the page.
    std::vector<std::uint32_t> number(named.frames.size(), 0);
    std::vector<const ProfileFrame*> used;
    for (std::size_t i = 1; i < pruned.nodes().size(); ++i) {
        std::uint32_t& n = number[pruned.nodes()[i].frame];
        if (n == 0)
            used.push_back(&named.frames[pruned.nodes()[i].frame]),
                n = static_cast<std::uint32_t>(used.size());
    }
    const auto decimal = [](auto value) { return std::to_string(value); };
    std::string out =
        "{\"title\":" + json_string(named.title) + ",\"subtitle\":" + json_string(options.subtitle) +
        ",\"unit\":\"" + std::string(unit_of(named.unit)) + "\",\"measure\":" + json_string(named.measure) +
        ",\"truncated\":" + decimal(named.truncated) + ",\"leftOut\":" + decimal(pruned.left_out()) +
        ",\"icicle\":" + (options.icicle ? "true" : "false") + ",\"colour\":\"" +
        (options.colour == FlameColour::runtime ? "runtime" : "package") + "\"";
    out += ",\"names\":" + list(used, [](const ProfileFrame* f) {
               return json_string(f->name.empty() ? "[unknown]" : f->name);
           });
    out +=
        ",\"kinds\":" + list(used, [&](const ProfileFrame* f) { return decimal(static_cast<int>(f->kind)); });
    out += ",\"frame\":" + list(pruned.nodes(), [&](const ProfileNode& n) {
               return decimal(&n == pruned.nodes().data() ? 0 : static_cast<int>(number[n.frame]) - 1);
           });
    out += ",\"parent\":" + list(pruned.nodes(), [&](const ProfileNode& n) { return decimal(n.parent); });
    out += ",\"self\":" + list(pruned.nodes(), [&](const ProfileNode& n) { return decimal(n.self); });
    out += ",\"before\":" + list(pruned.before(), decimal);
    return out + "}";
}

}  // namespace

std::string flame_html(const Profile& profile, const FlameHtmlOptions& options) {
    const MergedByName named(profile);
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
           "content=\"width=device-width,initial-scale=1\">\n<title>" +
           xml_text(profile.title) + "</title>\n<style>" + std::string(kFlamePageStyle) +
           "</style>\n</head>\n<body>\n" + std::string(kFlamePageBody) +
           "<script type=\"application/json\" id=\"data\">" + data_json(*named, options) +
           "</script>\n<script>" + std::string(kFlamePageScript) + "</script>\n</body>\n</html>\n";
}

}  // namespace autotune::render
