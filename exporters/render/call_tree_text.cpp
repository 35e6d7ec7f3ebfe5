#include "exporters/render/call_tree_text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <vector>

#include "exporters/render/amount.hpp"
#include "exporters/render/by_name.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

class CallTree {
public:
    CallTree(const Profile& named, const CallTreeOptions& options)
        : profile_(named),
          options_(options),
          weights_(subtree_weights(named)),
          children_(named.nodes.size()) {
        for (std::uint32_t i = 1; i < named.nodes.size(); ++i)
            if (weights_[i] > 0) children_[named.nodes[i].parent].push_back(i);
    }

    std::string write() {
        if (weights_[0] == 0) return "no samples\n";
        struct Visit {
            std::uint32_t node;
            std::size_t indent;
        };
        std::vector<Visit> open;
        const auto expand = [&](std::uint32_t node, std::size_t indent) {
            std::vector<std::uint32_t>& below = children_[node];
            std::sort(below.begin(), below.end(), [&](std::uint32_t a, std::uint32_t b) {
                return weights_[a] != weights_[b] ? weights_[a] > weights_[b] : name(a) < name(b);
            });
            const auto light = std::find_if(below.begin(), below.end(),
                                            [&](std::uint32_t n) { return share(n) < options_.min_share; });
            left_out_ += static_cast<std::size_t>(below.end() - light);
            std::for_each(std::make_reverse_iterator(light), below.rend(),
                          [&](std::uint32_t n) { open.push_back({n, indent}); });
        };
        expand(0, 0);
        while (!open.empty()) {
            const Visit at = open.back();
            open.pop_back();
            if (lines_ == options_.max_lines) {
                ++left_out_;
                continue;
            }
            line(at.node, at.indent);
            expand(at.node, at.indent + (children_[at.node].size() > 1 ? 2 : 1));
        }
        if (left_out_ > 0) out_ += "(" + std::to_string(left_out_) + " lighter branches are not shown)\n";
        return std::move(out_);
    }

private:
    [[nodiscard]] const std::string& name(std::uint32_t node) const {
        return profile_.frames[profile_.nodes[node].frame].name;
    }
    [[nodiscard]] double share(std::uint32_t node) const {
        return static_cast<double>(weights_[node]) / static_cast<double>(weights_[0]);
    }

    void line(std::uint32_t node, std::size_t indent) {
        char share_text[16];
        std::snprintf(share_text, sizeof share_text, "%5.1f %%", 100 * share(node));
        std::string text = human_amount(profile_.unit, weights_[node]);
        text.insert(0, length_of(text) < 10 ? 10 - length_of(text) : 0, ' ');
        text = share_text + text + "  " + std::string(std::min<std::size_t>(indent, 60), ' ') +
               clean_text(name(node).empty() ? "[unknown]" : name(node));
        out_ +=
            length_of(text) > options_.width ? std::string(first_of(text, options_.width - 1)) + "…" : text;
        out_ += '\n';
        ++lines_;
    }

    const Profile& profile_;
    const CallTreeOptions& options_;
    std::vector<std::uint64_t> weights_;
    std::vector<std::vector<std::uint32_t>> children_;
    std::size_t lines_ = 0, left_out_ = 0;
    std::string out_;
};

}  // namespace

std::string call_tree_text(const Profile& profile, const CallTreeOptions& options) {
    return CallTree(*MergedByName(profile), options).write();
}

}  // namespace autotune::render
