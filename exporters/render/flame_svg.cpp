#include "exporters/render/flame_svg.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <tuple>
#include <vector>

#include "exporters/render/amount.hpp"
#include "exporters/render/flame_colour.hpp"
#include "exporters/render/flame_script.hpp"
#include "exporters/render/frame_tree.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

constexpr double kPad = 10;
constexpr double kRow = 17;     // pixels a level
constexpr double kGlyph = 6.7;  // width of a character at 11 px in the widest of the fonts
constexpr double kHead = 58, kFoot = 30;
constexpr double kNote = 14;  // pixels a line below the picture

std::string number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", v);
    return text;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "0 %" : number(100.0 * static_cast<double>(part) / static_cast<double>(whole)) + " %";
}

std::string label(const std::string& name, double width) {
    const double room = std::floor((width - 6) / kGlyph);
    if (room < 3) return {};
    const auto count = static_cast<std::size_t>(room);
    return length_of(name) <= count ? name : std::string(first_of(name, count - 1)) + "…";
}

std::string name_of(const FrameBox& box) {
    if (box.hidden > 0) return "(" + std::to_string(box.hidden) + " narrower)";
    return box.name.empty() ? std::string(kUnknownFrame) : clean_text(box.name);
}

// xml_text, line by line.
std::string xml_lines(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        out += (at > 0 ? "\n" : "") + xml_text(std::string_view(text).substr(at, end - at));
        at = end + 1;
    }
    return out;
}

class Picture {
public:
    Picture(const Profile& profile, const FlameSvgOptions& options)
        : profile_(profile),
          options_(options),
          compared_(!profile.before.empty()),
          width_(std::max(200.0, static_cast<double>(options.width_px)) - 2 * kPad) {
        FrameTreeLimits limits{1, std::max<std::size_t>(options.max_frames, 1), options.max_depth};
        const double least = options.min_frame_px / width_ * static_cast<double>(profile.total());
        limits.min_weight = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(least)));
        tree_ = frame_tree(profile, limits);
        bottom_ = kHead + kRow * static_cast<double>(tree_.depth + 1);
        notes_ = notes();
        height_ = bottom_ + kFoot + kNote * static_cast<double>(notes_.size() - 1);
        for (const FrameBox& box : tree_.boxes) most_ = std::max(most_, std::fabs(change(box)));
    }

    std::string draw() {
        head();
        out_ += "<g id=\"frames\">\n";
        for (const FrameBox& box : tree_.boxes) frame(box);
        out_ += "</g>\n";
        foot();
        return std::move(out_);
    }

private:
    [[nodiscard]] bool by_runtime() const { return !compared_ && options_.colour == FlameColour::runtime; }

    // Of its share of the whole: two runs are rarely of one length.
    [[nodiscard]] double change(const FrameBox& box) const {
        const auto share = [](std::uint64_t part, std::uint64_t whole) {
            return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
        };
        return compared_ ? share(box.weight, tree_.total) - share(box.before, tree_.total_before) : 0;
    }

    void head() {
        const std::string w = number(width_ + 2 * kPad), h = number(height_);
        out_ +=
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
            w + "\" height=\"" + h + "\" viewBox=\"0 0 " + w + " " + h + "\" data-pad=\"" + number(kPad) +
            "\" data-width=\"" + number(width_) + "\" data-glyph=\"" + number(kGlyph) + "\" data-row=\"" +
            number(kRow) + "\" data-head=\"" + number(kHead) + "\" data-bottom=\"" + number(bottom_) +
            "\" data-icicle=\"" + (options_.icicle ? "1" : "0") + "\" data-compared=\"" +
            (compared_ ? "1" : "0") + (by_runtime() ? "\" class=\"runtime" : "") + "\">\n<title>" +
            xml_text(profile_.title) + "</title>\n<style>" + std::string(kFlameStyle) + "</style>\n";
        text(width_ / 2 + kPad, 24, "t", profile_.title, " text-anchor=\"middle\"");
        if (!options_.subtitle.empty())
            text(width_ / 2 + kPad, 42, "s", options_.subtitle, " text-anchor=\"middle\"");
        // Shown by the script: without it they would do nothing.
        double x = kPad;
        for (const auto& [id, content, room] : {std::tuple("search", "search", 60.0),
                                                {"icicle", options_.icicle ? "flame" : "icicle", 60.0},
                                                {"invert", "invert", 65.0},
                                                {"colour",
                                                 compared_      ? "colour: change"
                                                 : by_runtime() ? "colour: runtime"
                                                                : "colour: package",
                                                 120.0},
                                                {"reset", "reset zoom", 0.0}}) {
            text(x, 42, "b", content,
                 " id=\"" + std::string(id) + "\" tabindex=\"0\" role=\"button\" style=\"display:none\"");
            x += room;
        }
        text(width_ + kPad, 42, "s", "", " id=\"found\" text-anchor=\"end\"");
    }

    [[nodiscard]] std::string tooltip(const FrameBox& box, const std::string& name) const {
        std::string tip = name + "\n" + human_amount(profile_, box.weight) + ", " +
                          percent(box.weight, tree_.total) + " of " + human_total(profile_, tree_.total);
        if (compared_)
            tip += "\nbefore: " + human_amount(profile_, box.before) + ", " +
                   percent(box.before, tree_.total_before) + " of " +
                   human_total(profile_, tree_.total_before);
        if (const auto runtime = runtime_name(box.kind); !runtime.empty()) tip += "\n" + std::string(runtime);
        return tip;
    }

    [[nodiscard]] std::string colour(const FrameBox& box) const {
        if (compared_) return change_colour(change(box), most_);
        if (box.depth == 0 || box.hidden > 0) return package_colour({});
        return package_colour(box.name);
    }

    void frame(const FrameBox& box) {
        const double scale = tree_.total == 0 ? 0 : width_ / static_cast<double>(tree_.total);
        const double x = kPad + scale * static_cast<double>(box.left);
        const double w = tree_.total == 0 ? width_ : scale * static_cast<double>(box.weight);
        const auto level = static_cast<double>(box.depth);
        const double y = options_.icicle ? kHead + kRow * level : bottom_ - kRow * (level + 1);
        const std::string name = name_of(box);
        const bool cut = box.depth == 1 && box.hidden == 0 && box.name == kTruncatedFrame;
        out_ += "<g class=\"f k" + std::to_string(static_cast<int>(box.kind)) + (cut ? " cut" : "") +
                "\" data-l=\"" + std::to_string(box.left) + "\" data-w=\"" +
                std::to_string(std::max<std::uint64_t>(box.weight, tree_.total == 0)) + "\" data-d=\"" +
                std::to_string(box.depth) + (compared_ ? "\" data-b=\"" + std::to_string(box.before) : "") +
                "\" data-n=\"" + xml_text(name) + "\"><title>" + xml_lines(tooltip(box, name)) +
                "</title><rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" +
                number(std::max(w - 0.3, 0.1)) + "\" height=\"" + number(kRow - 1) + "\" rx=\"1.5\" fill=\"" +
                colour(box) + "\"/><text x=\"" + number(x + 3) + "\" y=\"" + number(y + 12) + "\">" +
                xml_text(label(name, w)) + "</text></g>\n";
    }

    // What is to be said below the picture, in lines as wide as it is.
    [[nodiscard]] std::vector<std::string> notes() const {
        std::vector<std::string> lines;
        const auto room = static_cast<std::size_t>(width_ / kGlyph);
        const auto say = [&](const std::string& note) {
            if (!lines.empty() && length_of(lines.back()) + length_of(note) + 2 <= room)
                lines.back() += "; " + note;
            else
                lines.push_back(note);
        };
        say(profile_.stacks() == 0 ? "no samples"
                                   : human_total(profile_, tree_.total) + " in " +
                                         std::to_string(profile_.stacks()) + " stacks");
        if (compared_) {
            say("before: " + human_total(profile_, tree_.total_before));
            say("red: a larger share than before, blue: a smaller one");
            if (const std::uint64_t gone = gone_before(); gone > 0)
                say(percent(gone, tree_.total_before) + " of before is gone and has no box");
        }
        if (profile_.truncated > 0)
            say(percent(profile_.truncated, tree_.total) + " in stacks that do not reach their start");
        if (tree_.hidden > 0)
            say(std::to_string(tree_.hidden) + " of " + std::to_string(tree_.frames) +
                " boxes are too narrow and drawn together or not at all");
        if (tree_.cut_weight > 0)
            say(percent(tree_.cut_weight, tree_.total) + " is deeper than " +
                std::to_string(options_.max_depth) + " levels and cut");
        return lines;
    }

    void foot() {
        for (std::size_t i = 0; i < notes_.size(); ++i)
            text(kPad, bottom_ + 20 + kNote * static_cast<double>(i), "s", notes_[i], "");
        out_ += "<script><![CDATA[" + std::string(kFlameScript) + "]]></script>\n</svg>\n";
    }

    // Weight before, of stacks that are no more.
    [[nodiscard]] std::uint64_t gone_before() const {
        std::uint64_t gone = 0;
        const auto now = subtree_weights(profile_);
        for (std::size_t i = 0; i < profile_.before.size(); ++i)
            if (now[i] == 0) gone += profile_.before[i];
        return gone;
    }

    void text(double x, double y, std::string_view style, std::string_view content, std::string_view more) {
        out_ += "<text class=\"" + std::string(style) + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\"" +
                std::string(more) + ">" + xml_text(content) + "</text>\n";
    }

    const Profile& profile_;
    const FlameSvgOptions& options_;
    const bool compared_;
    double width_, bottom_ = 0, height_ = 0;
    double most_ = 0;  // the largest change of a box's share
    FrameTree tree_;
    std::vector<std::string> notes_;
    std::string out_;
};

}  // namespace

std::string flame_svg(const Profile& profile, const FlameSvgOptions& options) {
    return Picture(profile, options).draw();
}

}  // namespace autotune::render
