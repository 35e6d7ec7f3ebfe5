#include "exporters/render/flame_svg.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "exporters/render/amount.hpp"
#include "exporters/render/flame_script.hpp"
#include "exporters/render/frame_tree.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

constexpr double kPad = 10;
constexpr double kRow = 17;     // pixels a level
constexpr double kGlyph = 6.7;  // width of a character at 11 px in the widest of the fonts
constexpr double kHead = 58, kFoot = 30;

std::string number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", v);
    return text;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "0 %" : number(100.0 * static_cast<double>(part) / static_cast<double>(whole)) + " %";
}

std::uint32_t fnv1a(std::string_view text) {
    std::uint32_t h = 2166136261u;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
    return h;
}

// Names of one namespace, class or module have one hue; within it they differ in lightness. What has no
// name is grey.
std::string colour(const FrameBox& box) {
    if (box.depth == 0 || box.hidden > 0 || box.name.empty() || box.name.front() == '[') return "#b8bcc4";
    const std::size_t scope = box.name.find_last_of(".:/", box.name.find_first_of("(<"));
    const std::string_view family =
        std::string_view(box.name).substr(0, scope == std::string::npos ? 0 : scope);
    const unsigned hue = family.empty() ? 18 + fnv1a(box.name) % 30 : fnv1a(family) % 360;
    const unsigned lightness = 62 + fnv1a(box.name) % 14;
    return "hsl(" + std::to_string(hue) + ",72%," + std::to_string(lightness) + "%)";
}

std::string label(const std::string& name, double width) {
    const double room = std::floor((width - 6) / kGlyph);
    if (room < 3) return {};
    const auto count = static_cast<std::size_t>(room);
    return length_of(name) <= count ? name : std::string(first_of(name, count - 1)) + "…";
}

std::string name_of(const FrameBox& box) {
    if (box.hidden > 0) return "(" + std::to_string(box.hidden) + " narrower)";
    return box.name.empty() ? "[unknown]" : clean_text(box.name);
}

class Picture {
public:
    Picture(const Profile& profile, const FlameSvgOptions& options)
        : profile_(profile),
          options_(options),
          width_(std::max(200.0, static_cast<double>(options.width_px)) - 2 * kPad) {
        FrameTreeLimits limits{1, std::max<std::size_t>(options.max_frames, 1), options.max_depth};
        const double least = options.min_frame_px / width_ * static_cast<double>(profile.total());
        limits.min_weight = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(least)));
        tree_ = frame_tree(profile, limits);
        height_ = kHead + kRow * static_cast<double>(tree_.depth + 1) + kFoot;
    }

    std::string draw() {
        head();
        for (const FrameBox& box : tree_.boxes) frame(box);
        foot();
        return std::move(out_);
    }

private:
    void head() {
        const std::string w = number(width_ + 2 * kPad), h = number(height_);
        out_ +=
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
            w + "\" height=\"" + h + "\" viewBox=\"0 0 " + w + " " + h + "\" data-pad=\"" + number(kPad) +
            "\" data-width=\"" + number(width_) + "\" data-glyph=\"" + number(kGlyph) + "\">\n<title>" +
            xml_text(profile_.title) + "</title>\n<style>" + std::string(kFlameStyle) + "</style>\n";
        text(width_ / 2 + kPad, 24, "t", profile_.title, " text-anchor=\"middle\"");
        if (!options_.subtitle.empty())
            text(width_ / 2 + kPad, 42, "s", options_.subtitle, " text-anchor=\"middle\"");
        text(kPad, 42, "b", "reset", " id=\"reset\" tabindex=\"0\" role=\"button\" style=\"display:none\"");
        text(width_ + kPad, 42, "b", "search",
             " id=\"search\" tabindex=\"0\" role=\"button\" text-anchor=\"end\" style=\"display:none\"");
        text(width_ + kPad, height_ - 10, "s", "", " id=\"found\" text-anchor=\"end\"");
    }

    void frame(const FrameBox& box) {
        const double scale = tree_.total == 0 ? 0 : width_ / static_cast<double>(tree_.total);
        const double x = kPad + scale * static_cast<double>(box.left);
        const double w = tree_.total == 0 ? width_ : scale * static_cast<double>(box.weight);
        const double y = height_ - kFoot - kRow * static_cast<double>(box.depth + 1);
        const std::string name = name_of(box);
        out_ += "<g class=\"f\" data-l=\"" + std::to_string(box.left) + "\" data-w=\"" +
                std::to_string(std::max<std::uint64_t>(box.weight, tree_.total == 0)) + "\" data-d=\"" +
                std::to_string(box.depth) + "\" data-n=\"" + xml_text(name) + "\"><title>" + xml_text(name) +
                "\n" + human_amount(profile_.unit, box.weight) + ", " + percent(box.weight, tree_.total) +
                " of " + human_amount(profile_.unit, tree_.total) + "</title><rect x=\"" + number(x) +
                "\" y=\"" + number(y) + "\" width=\"" + number(std::max(w - 0.3, 0.1)) + "\" height=\"" +
                number(kRow - 1) + "\" rx=\"1.5\" fill=\"" + colour(box) + "\"/><text x=\"" + number(x + 3) +
                "\" y=\"" + number(y + 12) + "\">" + xml_text(label(name, w)) + "</text></g>\n";
    }

    void foot() {
        std::string note =
            human_amount(profile_.unit, tree_.total) + " in " + std::to_string(profile_.stacks()) + " stacks";
        if (profile_.stacks() == 0) note = "no samples";
        if (profile_.truncated > 0)
            note +=
                "; " + percent(profile_.truncated, tree_.total) + " in stacks that do not reach their start";
        if (tree_.hidden > 0)
            note += "; " + std::to_string(tree_.hidden) + " of " + std::to_string(tree_.frames) +
                    " boxes are too narrow and drawn together or not at all";
        if (tree_.cut_weight > 0)
            note += "; " + percent(tree_.cut_weight, tree_.total) + " is deeper than " +
                    std::to_string(options_.max_depth) + " levels and cut";
        text(kPad, height_ - 10, "s", note, "");
        out_ += "<script><![CDATA[" + std::string(kFlameScript) + "]]></script>\n</svg>\n";
    }

    void text(double x, double y, std::string_view style, std::string_view content, std::string_view more) {
        out_ += "<text class=\"" + std::string(style) + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\"" +
                std::string(more) + ">" + xml_text(content) + "</text>\n";
    }

    const Profile& profile_;
    const FlameSvgOptions& options_;
    double width_, height_ = 0;
    FrameTree tree_;
    std::string out_;
};

}  // namespace

std::string flame_svg(const Profile& profile, const FlameSvgOptions& options) {
    return Picture(profile, options).draw();
}

}  // namespace autotune::render
