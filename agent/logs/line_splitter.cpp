#include "agent/logs/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace autotune::logs {

std::vector<Line> LineSplitter::add(std::string_view bytes) {
    std::vector<Line> lines;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, end);
        const std::size_t room = kLongest - std::min(kLongest, open_.size());
        is_too_long_ = is_too_long_ || piece.size() > room;
        open_.append(piece.substr(0, room));
        if (end == std::string_view::npos) break;
        bytes.remove_prefix(end + 1);
        lines.push_back(take());
    }
    return lines;
}

std::vector<Line> LineSplitter::rest() {
    if (open_.empty() && !is_too_long_) return {};
    return {take()};
}

Line LineSplitter::take() {
    if (!open_.empty() && open_.back() == '\r') open_.pop_back();
    return {.number = ++number_,
            .text = std::exchange(open_, {}),
            .is_too_long = std::exchange(is_too_long_, false)};
}

}  // namespace autotune::logs
