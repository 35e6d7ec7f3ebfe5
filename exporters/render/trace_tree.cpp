#include "exporters/render/trace_tree.hpp"

#include <algorithm>
#include <vector>

#include "exporters/render/text.hpp"
#include "exporters/render/trace_label.hpp"

namespace autotune::render {

namespace {

constexpr std::size_t kSiblings = 12;  // shown of one parent
constexpr std::size_t kLines = 150;    // of one tree
constexpr std::size_t kDeepest = 40;
constexpr std::size_t kSmall = 60;  // a tree of so few lines is shown whole
constexpr std::int64_t kLeast = 1'000;  // of a larger one what takes less than this part of its thread is left out

struct Lines {  // what draws the branches
    std::string_view branch, last, down, none;
};
constexpr Lines kUnicode{"├─ ", "└─ ", "│  ", "   "};
constexpr Lines kAscii{"|- ", "`- ", "|  ", "   "};

std::string right(const std::string& text, std::size_t width) {
    const std::size_t have = length_of(text);
    return std::string(width > have ? width - have : 0, ' ') + text;
}

class Printer {
public:
    Printer(std::ostream& out, const TraceReport& report, const Style& style)
        : out_(out),
          report_(report),
          style_(style),
          lines_(style.marks == Marks::unicode ? kUnicode : kAscii) {}

    // What is left out as small, in this tree.
    [[nodiscard]] std::uint64_t small() const { return small_; }

    // Finds what is too small to show in the tree from node `first` on.
    void weigh(std::uint32_t first) {
        if (count(first, kSmall) < kSmall) return;
        Nanos longest{0};
        for (std::uint32_t n = first; n != kNoNode; n = report_.trace.nodes[n].next)
            longest = std::max(longest, report_.trace.nodes[n].deed.kind == DeedKind::thread
                                            ? total_of(report_.trace.nodes[n].first_child)
                                            : report_.trace.nodes[n].total);
        least_ = longest / kLeast;
    }

    void siblings(std::uint32_t first, const std::string& indent, std::size_t depth) {
        std::vector<std::uint32_t> all;
        for (std::uint32_t n = first; n != kNoNode; n = report_.trace.nodes[n].next)
            is_small(report_.trace.nodes[n]) ? void(++small_) : all.push_back(n);
        if (all.empty()) return;
        const std::vector<std::uint32_t> shown = chosen(all);
        for (const std::uint32_t n : shown) {
            const bool is_last = n == shown.back() && shown.size() == all.size();
            if (left_ == 0) return;
            --left_;
            line(n, depth == 0 ? "" : indent + std::string(is_last ? lines_.last : lines_.branch));
            const std::string below =
                depth == 0 ? "" : indent + std::string(is_last ? lines_.none : lines_.down);
            const std::uint32_t child = report_.trace.nodes[n].first_child;
            if (child == kNoNode) continue;
            if (depth < kDeepest)
                siblings(child, below, depth + 1);
            else
                note(below + std::string(lines_.last) + "(deeper)");
            if (left_ == 0) return note("(the tree goes on; --json has all of it)");
        }
        if (shown.size() < all.size()) rest(all, shown, depth == 0 ? "" : indent + std::string(lines_.last));
    }

private:
    [[nodiscard]] Nanos total_of(std::uint32_t first) const {
        Nanos total{0};
        for (std::uint32_t n = first; n != kNoNode; n = report_.trace.nodes[n].next)
            total += report_.trace.nodes[n].total;
        return total;
    }

    // Nodes from `first` on and beneath, counted no further than `enough`.
    [[nodiscard]] std::size_t count(std::uint32_t first, std::size_t enough) const {
        std::size_t found = 0;
        std::vector<std::uint32_t> open{first};
        while (!open.empty() && found < enough) {
            const std::uint32_t n = open.back();
            open.pop_back();
            if (n == kNoNode) continue;
            ++found;
            open.push_back(report_.trace.nodes[n].next);
            open.push_back(report_.trace.nodes[n].first_child);
        }
        return found;
    }

    // What went wrong is never too small.
    [[nodiscard]] bool is_small(const TraceNode& node) const {
        return node.deed.kind != DeedKind::thread && node.total < least_ && node.failures == 0;
    }

    // Those that took longest, in their old order.
    [[nodiscard]] std::vector<std::uint32_t> chosen(std::vector<std::uint32_t> all) const {
        if (all.size() <= kSiblings + 1) return all;
        std::vector<std::uint32_t> longest = all;
        const auto weight = [&](std::uint32_t n) { return report_.trace.nodes[n].total; };
        std::stable_sort(longest.begin(), longest.end(),
                         [&](auto a, auto b) { return weight(a) > weight(b); });
        longest.resize(kSiblings);
        std::erase_if(all, [&](std::uint32_t n) {
            return std::find(longest.begin(), longest.end(), n) == longest.end();
        });
        return all;
    }

    void line(std::uint32_t index, const std::string& branch) {
        const TraceNode& node = report_.trace.nodes[index];
        const bool timed = node.total.count() > 0 || node.deed.kind == DeedKind::call;
        const std::string time =
            timed && node.deed.kind != DeedKind::thread ? short_duration(node.total, style_.marks) : "";
        std::string text = right(time, 8) + "  " + branch + label_of(node.deed, report_);
        std::string tail;
        if (node.deed.kind == DeedKind::call) {
            const std::string place = place_of(node.deed.function, report_.tables);
            if (!place.empty()) tail += "  " + place;
        }
        if (node.count > 1)
            tail += std::string(style_.marks == Marks::unicode ? "  ×" : "  x") + grouped(node.count);
        if (node.bytes > 0) tail += "  " + human_bytes(static_cast<double>(node.bytes));
        if (node.count > 1 && node.slowest.count() > 0)
            tail += "  slowest " + short_duration(node.slowest, style_.marks);
        std::string trouble;
        if (node.failures > 0) trouble += "  " + failure_word(node);
        if (node.cut > 0) trouble += "  end not seen";
        print(text, tail, trouble);
    }

    static std::string failure_word(const TraceNode& node) {
        const std::string word = node.deed.kind == DeedKind::call ? "raised" : "failed";
        return node.count == 1 ? word : grouped(node.failures) + " " + word;
    }

    void rest(const std::vector<std::uint32_t>& all, const std::vector<std::uint32_t>& shown,
              const std::string& branch) {
        Nanos total{0};
        std::uint64_t count = 0;
        for (const std::uint32_t n : all)
            if (std::find(shown.begin(), shown.end(), n) == shown.end())
                total += report_.trace.nodes[n].total, count += report_.trace.nodes[n].count;
        print(right(short_duration(total, style_.marks), 8) + "  " + branch,
              grouped(count) + " more of " + grouped(all.size() - shown.size()) + " other kinds", "");
    }

    void note(const std::string& text) { print(std::string(10, ' ') + text, "", ""); }

    void print(const std::string& text, const std::string& tail, const std::string& trouble) {
        const std::string whole = text + tail + trouble;
        if (style_.width != 0 && length_of(whole) > style_.width) {
            out_ << fitted(whole, style_) << '\n';
            return;
        }
        out_ << text << inked(tail, Ink::dim, style_) << inked(trouble, Ink::bad, style_) << '\n';
    }

    std::ostream& out_;
    const TraceReport& report_;
    const Style& style_;
    Lines lines_;
    Nanos least_{0};
    std::uint64_t small_ = 0;
    std::size_t left_ = kLines;
};

}  // namespace

std::string fitted(std::string text, const Style& style) {
    if (style.width == 0 || length_of(text) <= style.width) return text;
    const std::string_view dots = style.marks == Marks::unicode ? "…" : "...";
    return std::string(first_of(text, style.width - length_of(dots))) + std::string(dots);
}

std::string inked(const std::string& text, Ink ink, const Style& style) {
    if (style.colour == Colour::off || text.empty()) return text;
    const char* code = ink == Ink::strong ? "\x1b[1m"
                       : ink == Ink::dim  ? "\x1b[2m"
                       : ink == Ink::good ? "\x1b[32m"
                                          : "\x1b[31m";
    return code + text + "\x1b[0m";
}

void trace_tree(std::ostream& out, const TraceReport& report, std::uint32_t first, const Style& style) {
    if (first == kNoNode) return;
    const TraceNode& node = report.trace.nodes[first];
    const bool single = node.deed.kind == DeedKind::thread && node.next == kNoNode;
    Printer printer(out, report, style);
    printer.weigh(first);
    printer.siblings(single ? node.first_child : first, "", 0);
    if (printer.small() > 0)
        out << std::string(10, ' ')
            << inked("(" + grouped(printer.small()) + " parts of less than 0.1 % each are left out; --json has all)",
                     Ink::dim, style)
            << '\n';
}

}  // namespace autotune::render
