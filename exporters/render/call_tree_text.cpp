#include "exporters/render/call_tree_text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <vector>

#include "exporters/render/amount.hpp"
#include "exporters/render/by_name.hpp"
#include "exporters/render/children.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

class CallTree {
public:
    CallTree(const Profile& named, const CallTreeOptions& options)
        : profile_(named),
          options_(options),
          weights_(subtree_weights(named)),
          before_(subtree_weights_before(named)),
          children_(named) {
        // The whole has the longest of those of its unit; of other units all are about as long.
        const std::uint64_t most = std::max(weights_[0], before_.empty() ? 0 : before_[0]);
        amount_width_ = std::max<std::size_t>(10, length_of(human_amount(named, most)) + 1);
    }

    std::string write() {
        if (weights_[0] == 0 && (before_.empty() || before_[0] == 0)) return "no samples\n";
        struct Visit {
            std::uint32_t node;
            std::size_t indent;
        };
        std::vector<Visit> open;
        const auto expand = [&](std::uint32_t node, std::size_t indent) {
            std::vector<std::uint32_t> below;
            for (const std::uint32_t child : children_.of(node))
                if (share(child) > 0) below.push_back(child);
            std::sort(below.begin(), below.end(), [&](std::uint32_t a, std::uint32_t b) {
                return share(a) != share(b) ? share(a) > share(b) : name(a) < name(b);
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
            expand(at.node, at.indent + (forks(at.node) ? 2 : 1));
        }
        if (left_out_ > 0) out_ += "(" + std::to_string(left_out_) + " lighter branches are not shown)\n";
        out_ += human_total(profile_, weights_[0]) + " in " + std::to_string(profile_.stacks()) + " stacks";
        if (!before_.empty()) out_ += "; before: " + human_total(profile_, before_[0]);
        if (profile_.truncated > 0)
            out_ +=
                "; " + percent(now_share(profile_.truncated)) + " in stacks that do not reach their start";
        return std::move(out_ += '\n');
    }

private:
    [[nodiscard]] const std::string& name(std::uint32_t node) const {
        return profile_.frames[profile_.nodes[node].frame].name;
    }
    static double ratio(std::uint64_t part, std::uint64_t whole) {
        return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
    }
    [[nodiscard]] double now_share(std::uint64_t weight) const { return ratio(weight, weights_[0]); }
    [[nodiscard]] double share_before(std::uint32_t node) const {
        return before_.empty() ? 0 : ratio(before_[node], before_[0]);
    }
    // What makes a line worth its place: in a comparison what it is, or was.
    [[nodiscard]] double share(std::uint32_t node) const {
        return std::max(now_share(weights_[node]), share_before(node));
    }
    [[nodiscard]] bool forks(std::uint32_t node) const {
        const auto below = children_.of(node);
        return std::count_if(below.begin(), below.end(), [&](std::uint32_t n) { return share(n) > 0; }) > 1;
    }
    static std::string percent(double share, const char* format = "%.1f %%") {
        char text[32];
        std::snprintf(text, sizeof text, format, 100 * share);
        return text;
    }

    void line(std::uint32_t node, std::size_t indent) {
        const double now = now_share(weights_[node]);
        std::string text = human_amount(profile_, weights_[node]);
        text.insert(0, length_of(text) < amount_width_ ? amount_width_ - length_of(text) : 0, ' ');
        text = percent(now, "%5.1f %%") + text;
        if (!before_.empty())
            text +=
                percent(share_before(node), "  was %5.1f %%") + percent(now - share_before(node), "  %+6.1f");
        text += "  " + std::string(std::min<std::size_t>(indent, 60), ' ') +
                clean_text(name(node).empty() ? kUnknownFrame : name(node));
        out_ +=
            length_of(text) > options_.width ? std::string(first_of(text, options_.width - 1)) + "…" : text;
        out_ += '\n';
        ++lines_;
    }

    const Profile& profile_;
    const CallTreeOptions& options_;
    LargeVector<std::uint64_t> weights_, before_;
    Children children_;
    std::size_t amount_width_ = 10, lines_ = 0, left_out_ = 0;
    std::string out_;
};

}  // namespace

std::string call_tree_text(const Profile& profile, const CallTreeOptions& options) {
    return CallTree(*MergedByName(profile), options).write();
}

}  // namespace autotune::render
