#include "agent/flows/table_rows.hpp"

#include <algorithm>

namespace autotune {

Unexpected TableRows::refused(const std::string& why) const {
    return fail(Errc::invalid_argument, std::to_string(std::max<std::uint64_t>(number_, 1)) + ": " + why);
}

bool TableRows::next(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (++number_ == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (text.empty()) return false;
    if (split_row(text, cells_, unquoted_)) return true;
    if (begun_)
        skip("a quote is not closed");
    else
        state_ = refused("a quote is not closed");
    return false;
}

int TableRows::column(std::string_view name) {
    const auto found = std::find(cells_.begin(), cells_.end(), name);
    if (found == cells_.end()) return -1;
    if (std::find(found + 1, cells_.end(), name) != cells_.end()) twice_ = name;
    return static_cast<int>(found - cells_.begin());
}

std::string_view TableRows::cell(int column) const {
    const auto at = static_cast<std::size_t>(column);
    return column < 0 || at >= cells_.size() ? std::string_view() : cells_[at];
}

Status TableRows::head_with(const std::string& missing) const {
    if (!missing.empty()) return refused("the first line must name the columns; not there: " + missing);
    if (!twice_.empty()) return refused("there are two columns \"" + twice_ + "\"");
    return ok();
}

void TableRows::skip(std::string why) {
    ++skipped_;
    if (told_.size() < kTold) told_.push_back(std::to_string(number_) + ": " + std::move(why));
}

}  // namespace autotune
