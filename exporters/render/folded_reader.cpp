#include "exporters/render/folded_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>
#include <utility>

namespace autotune::render {

namespace {

constexpr std::size_t kLongestLine = std::size_t{64} << 20;
constexpr std::size_t kBytesPerNode = 40;  // of text, at least: a name and its share of the paths before it
constexpr std::size_t kMostExpected = std::size_t{16} << 20;  // address space of 450 MiB
constexpr std::size_t kLinesOfOrder = 4096;
constexpr std::size_t kFewNodes = std::size_t{1} << 18;  // a cache holds what is known of them
constexpr std::size_t kMostNodes = std::size_t{1} << 30;

std::size_t common_prefix(std::string_view a, std::string_view b) {
    const std::size_t most = std::min(a.size(), b.size());
    std::size_t same = 0;
    std::uint64_t x = 0, y = 0;
    for (; same + sizeof x <= most; same += sizeof x) {  // eight bytes a step
        std::memcpy(&x, a.data() + same, sizeof x);
        std::memcpy(&y, b.data() + same, sizeof y);
        if (x != y) break;
    }
    while (same < most && a[same] == b[same]) ++same;
    return same;
}

// What tools write behind a name: stackcollapse-perf.pl and bcc "_[k]" for the kernel's, py-spy
// "(FILE.py:LINE)".
void read_annotation(ProfileFrame& frame) {
    constexpr std::string_view kKernel = "_[k]";
    if (frame.name.size() > kKernel.size() && frame.name.ends_with(kKernel)) {
        frame.name.resize(frame.name.size() - kKernel.size());
        frame.kind = FrameKind::kernel;
    } else if (const auto at = frame.name.rfind(".py:");
               at != std::string::npos && frame.name.ends_with(')')) {
        const std::string_view digits =
            std::string_view(frame.name).substr(at + 4, frame.name.size() - at - 5);
        if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos)
            frame.kind = FrameKind::python;
    }
}

Unexpected too_many() {
    return fail(Errc::resource_exhausted, "the stacks have more than " + std::to_string(kMostNodes) + " different calls");
}

}  // namespace

void FoldedReader::expect(std::size_t bytes) {
    builder_.expect(std::min(bytes / kBytesPerNode, kMostExpected));
}

// Sorted input, the usual case, walks only what the stack before it did not have.
std::uint32_t FoldedReader::node_of(std::string_view path) {
    const std::size_t same = common_prefix(path, last_);
    if (same < last_.size() && (same == path.size() || static_cast<unsigned char>(path[same]) < static_cast<unsigned char>(last_[same]))) {
        ++descents_;
        is_ascending_ = false;
    }
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
        const auto name = ProfileBuilder::scan_name(path.substr(at), ';');
        const std::size_t end = at + name.length;
        const std::uint32_t frame = builder_.frame(path.substr(at, name.length), name.hash);
        // In ascending lines all that begin alike follow each other: what does not begin as the line before does is new.
        node = is_ascending_ && same < end ? builder_.append(node, frame) : builder_.child(node, frame);
        steps_.push_back({end, node});
        at = end + 1;
    }
    last_.resize(same);
    last_ += path.substr(same);
    return node;
}

void FoldedReader::add_to_batch(std::string_view path, std::uint64_t weight) {
    frames_.clear();
    for (std::size_t at = 0; at <= path.size() && !path.empty();) {
        const auto name = ProfileBuilder::scan_name(path.substr(at), ';');
        frames_.push_back(builder_.frame(path.substr(at, name.length), name.hash));
        at += name.length + 1;
    }
    batch_.add(frames_, weight);
    if (batch_.is_full()) batch_.put(builder_, ahead_);
}

// While the tree is small, or the lines are sorted, stacks go where they belong at once.
void FoldedReader::look_at_order() {
    is_sorted_ = builder_.nodes() < kFewNodes || descents_ * 4 <= kLinesOfOrder;
    descents_ = 0;
}

Status FoldedReader::line_of(std::string_view text) {
    const auto blank = text.rfind(' ');
    if (blank == std::string_view::npos) return fail(Errc::corrupt, "a line without a weight behind a blank");
    const std::string_view digits = text.substr(blank + 1);
    std::uint64_t weight = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), weight);
    if (error == std::errc::result_out_of_range) return fail(Errc::corrupt, "a weight beyond 64 bits");
    if (error != std::errc() || end != digits.data() + digits.size())
        return fail(Errc::corrupt, "\"" + std::string(digits.substr(0, 40)) + "\" is no whole number");
    if (__builtin_add_overflow(total_, weight, &total_))
        return fail(Errc::corrupt, "the weights add up to more than 64 bits hold");
    const std::string_view path = text.substr(0, blank);
    if (is_sorted_)
        builder_.add(node_of(path), weight);
    else
        add_to_batch(path, weight);
    if (is_sorted_ && lines_ % kLinesOfOrder == 0) look_at_order();
    if (path.substr(0, path.find(';')) == kTruncatedFrame) truncated_ += weight;
    return builder_.nodes() <= kMostNodes ? ok() : Status(too_many());
}

Status FoldedReader::line(std::string_view text) {
    ++lines_;
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
    if (text.empty()) return ok();
    if (Status s = line_of(text); !s)
        return fail(s.error().code, "line " + std::to_string(lines_) + ": " + s.error().message);
    return ok();
}

Status FoldedReader::feed(std::string_view piece) {
    while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        if (end == std::string_view::npos) {
            rest_ += piece;
            return rest_.size() <= kLongestLine
                       ? ok()
                       : Status(fail(Errc::corrupt, "line " + std::to_string(lines_ + 1) +
                                                        ": it is longer than " +
                                                        std::to_string(kLongestLine) + " bytes"));
        }
        Status read;
        if (rest_.empty()) {
            read = line(piece.substr(0, end));
        } else {
            rest_ += piece.substr(0, end);
            read = line(rest_);
            rest_.clear();
        }
        if (!read) return read;
        piece.remove_prefix(end + 1);
    }
    builder_.tell(ahead_);
    batch_.tell(ahead_);
    return ok();
}

Result<Profile> FoldedReader::finish(std::string title, ProfileUnit unit) {
    if (!rest_.empty())
        if (Status s = line(rest_); !s) return s.forward();
    batch_.put(builder_, ahead_);
    if (builder_.nodes() > kMostNodes) return too_many();
    Profile profile = std::move(builder_).build(std::move(title), unit, truncated_);
    for (ProfileFrame& frame : profile.frames) read_annotation(frame);
    profile.measure = unit == ProfileUnit::count ? "samples" : unit == ProfileUnit::bytes ? "space" : "time";
    return profile;
}

Result<Profile> read_folded(std::string_view text, std::string title, ProfileUnit unit) {
    FoldedReader reader;
    if (Status s = reader.feed(text); !s) return s.forward();
    return reader.finish(std::move(title), unit);
}

}  // namespace autotune::render
