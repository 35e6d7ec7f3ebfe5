#include "exporters/render/folded.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

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
    return text.empty() ? "[unknown]" : text;
}

// A stack in a text of stacks, by the path that it shares with the stack before it: sorted input, the usual
// case, walks only what is new.
class FoldedReader {
public:
    explicit FoldedReader(std::size_t bytes) : builder_(bytes / kBytesPerNode) {}

    // Errors: corrupt.
    Status line(std::string_view text) {
        const auto blank = text.rfind(' ');
        if (blank == std::string_view::npos)
            return fail(Errc::corrupt, "a line without a weight behind a blank");
        const std::string_view digits = text.substr(blank + 1);
        std::uint64_t weight = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), weight);
        if (error == std::errc::result_out_of_range) return fail(Errc::corrupt, "a weight beyond 64 bits");
        if (error != std::errc() || end != digits.data() + digits.size())
            return fail(Errc::corrupt, "\"" + std::string(digits.substr(0, 40)) + "\" is no whole number");
        if (__builtin_add_overflow(total_, weight, &total_))
            return fail(Errc::corrupt, "the weights add up to more than 64 bits hold");
        builder_.add(node_of(text.substr(0, blank)), weight);
        return ok();
    }

    Profile take(std::string title, ProfileUnit unit) && {
        Profile profile = std::move(builder_).build(std::move(title), unit);
        profile.measure = unit == ProfileUnit::count ? "samples" : unit == ProfileUnit::bytes ? "space" : "time";
        return profile;
    }

private:
    static constexpr std::size_t kBytesPerNode = 64;  // of text, as it comes: a name and its share of prefixes

    struct Step {
        std::size_t end;  // in last_, behind the name
        std::uint32_t node;
    };

    std::uint32_t node_of(std::string_view path) {
        const auto differ = std::mismatch(path.begin(), path.end(), last_.begin(), last_.end()).first;
        const auto same = static_cast<std::size_t>(differ - path.begin());
        // A name that ends where the difference begins is shared only if it ends in both.
        while (!steps_.empty()) {
            const std::size_t end = steps_.back().end;
            const bool ends_here = end == path.size() || (end < path.size() && path[end] == ';');
            if (end <= same && ends_here) break;
            steps_.pop_back();
        }
        std::size_t at = steps_.empty() ? 0 : steps_.back().end + 1;
        std::uint32_t node = steps_.empty() ? 0 : steps_.back().node;
        while (at <= path.size() && !path.empty()) {
            const std::size_t end = std::min(path.find(';', at), path.size());
            node = builder_.child(node, builder_.frame(path.substr(at, end - at)));
            steps_.push_back({end, node});
            at = end + 1;
        }
        last_ = path;
        return node;
    }

    ProfileBuilder builder_;
    std::string_view last_;
    std::vector<Step> steps_;
    std::uint64_t total_ = 0;
};

}  // namespace

std::string folded(const Profile& profile) {
    std::vector<std::string> names;
    names.reserve(profile.frames.size());
    for (const ProfileFrame& f : profile.frames) names.push_back(plain(f.name));
    std::map<std::string, std::uint64_t> lines;  // names that differ in offsets only become one
    for (std::size_t i = 0; i < profile.nodes.size(); ++i) {
        const ProfileNode* node = &profile.nodes[i];
        const std::uint64_t weight = node->self;
        if (weight == 0) continue;
        std::vector<const std::string*> leaf_first;
        for (; node != profile.nodes.data(); node = &profile.nodes[node->parent])
            leaf_first.push_back(&names[node->frame]);
        std::string line;
        for (auto name = leaf_first.rbegin(); name != leaf_first.rend(); ++name)
            line += (line.empty() ? "" : ";") + **name;
        lines[line.empty() ? "[unknown]" : std::move(line)] += weight;
    }
    std::string out;
    for (const auto& [line, weight] : lines) out += line + " " + std::to_string(weight) + "\n";
    return out;
}

Result<Profile> read_folded(std::string_view text, std::string title, ProfileUnit unit) {
    FoldedReader reader(text.size());
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        if (line.empty()) continue;
        if (Status s = reader.line(line); !s)
            return fail(s.error().code, "line " + std::to_string(number) + ": " + s.error().message);
    }
    return std::move(reader).take(std::move(title), unit);
}

}  // namespace autotune::render
