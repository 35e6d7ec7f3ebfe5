#include "exporters/render/folded.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "exporters/render/by_name.hpp"
#include "exporters/render/children.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

// "libc.so.6+0x2a1b3" → "libc.so.6": names are plain, so that runs can be compared.
std::string_view without_offset(std::string_view name) {
    const auto plus = name.rfind("+0x");
    if (plus == std::string_view::npos || plus == 0) return name;
    const auto digits = name.substr(plus + 3);
    const bool hex =
        !digits.empty() && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    return hex ? name.substr(0, plus) : name;
}

std::string plain(std::string_view name) {
    std::string text = clean_text(without_offset(name));
    std::replace(text.begin(), text.end(), ';', ':');
    return text.empty() ? std::string(kUnknownFrame) : text;
}

// Writes the lines in the order of their bytes, as sort(1) does, without having them all: depth first, where
// a node's own line and the lines of what it calls are two things, for other names may belong between them
// ("f", "f2", "f;g").
class Writer {
public:
    explicit Writer(const Profile& plain) : profile_(plain), children_(plain) {}

    std::string write() {
        std::vector<Part> open{{0, 0, true}};
        while (!open.empty()) {
            const Part part = open.back();
            open.pop_back();
            path_.resize(part.prefix);
            if (part.node != 0) path_ += (part.prefix > 0 ? ";" : "") + name(part.node);
            if (!part.below) {
                out_ += path_ + " " + std::to_string(profile_.nodes[part.node].self) + "\n";
                continue;
            }
            const auto first = static_cast<std::ptrdiff_t>(open.size());
            for (const std::uint32_t child : children_.of(part.node)) {
                if (profile_.nodes[child].self > 0) open.push_back({child, path_.size(), false});
                if (!children_.of(child).empty()) open.push_back({child, path_.size(), true});
            }
            std::sort(open.begin() + first, open.end(),
                      [&](const Part& a, const Part& b) { return before(b, a); });
        }
        return std::move(out_);
    }

private:
    struct Part {
        std::uint32_t node;
        std::size_t prefix;  // of the path: its caller's
        bool below;          // what it calls; else its own line
    };

    [[nodiscard]] const std::string& name(std::uint32_t node) const {
        return profile_.frames[profile_.nodes[node].frame].name;
    }
    // As the lines would compare: behind a name comes its end, or the ';' that no name has.
    [[nodiscard]] bool before(const Part& a, const Part& b) const {
        const std::string_view x = name(a.node), y = name(b.node);
        const std::size_t both = std::min(x.size(), y.size());
        if (const int order = x.substr(0, both).compare(y.substr(0, both)); order != 0) return order < 0;
        const auto next = [both](std::string_view text, bool below) {
            return both < text.size() ? static_cast<unsigned char>(text[both]) : below ? ';' : -1;
        };
        return next(x, a.below) < next(y, b.below);
    }

    const Profile& profile_;
    const Children children_;
    std::string path_, out_;
};

}  // namespace

std::string folded(const Profile& profile) {
    // Also of kinds: two lines never read alike.
    return Writer(
               merged_by(profile, [](const ProfileFrame& f) { return ProfileFrame{.name = plain(f.name)}; }))
        .write();
}

}  // namespace autotune::render
