#include "agent/tables/csv_table.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace autotune {

namespace {

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool same_word(std::string_view text, std::string_view lower) {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
    });
}

// What a message shows of a cell: not all of a megabyte.
std::string shown(std::string_view cell) {
    constexpr std::size_t kMost = 40;
    return "\"" + std::string(cell.substr(0, kMost)) + (cell.size() > kMost ? "…\"" : "\"");
}

Unexpected fail_at(std::uint64_t line, std::size_t column, const std::string& what) {
    return autotune::fail(Errc::invalid_argument,
                          std::to_string(line) + ":" + std::to_string(column) + ": " + what);
}

}  // namespace

std::string_view CsvRow::text(std::size_t wanted) const {
    const std::size_t place = (*places_)[wanted];
    return place < cells_->size() ? trimmed((*cells_)[place]) : std::string_view();
}

Unexpected CsvRow::fail(std::size_t wanted, const std::string& what) const {
    const std::string_view cell = text(wanted);
    // A cell with quotes within quotes is a copy: then the line is all that can be said.
    const bool within = !cell.empty() && cell.data() >= whole_.data() && cell.data() < whole_.data() + whole_.size();
    return fail_at(line_, within ? static_cast<std::size_t>(cell.data() - whole_.data()) + 1 : 1,
                   (*wanted_)[wanted].name + ": " + what);
}

Result<std::optional<double>> CsvRow::number(std::size_t wanted) const {
    const std::string_view cell = text(wanted);
    if (cell.empty()) return std::optional<double>();
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size())
        return fail(wanted, shown(cell) + " is not a number");
    if (!std::isfinite(value)) return fail(wanted, shown(cell) + " is not a finite number");
    if (value < 0) return fail(wanted, shown(cell) + " is negative");
    return std::optional(value);
}

Result<std::optional<bool>> CsvRow::yes_or_no(std::size_t wanted) const {
    const std::string_view cell = text(wanted);
    if (cell.empty()) return std::optional<bool>();
    for (const std::string_view yes : {"1", "true", "yes"})
        if (same_word(cell, yes)) return std::optional(true);
    for (const std::string_view no : {"0", "false", "no"})
        if (same_word(cell, no)) return std::optional(false);
    return fail(wanted, shown(cell) + " is neither true nor false");
}

Status CsvTable::head(const std::vector<std::string_view>& cells) {
    for (const CsvColumn& column : wanted_) {
        const auto named = [&](std::string_view cell) { return trimmed(cell) == column.name; };
        const auto found = std::find_if(cells.begin(), cells.end(), named);
        if (found == cells.end() && column.need == CsvColumn::Need::required)
            return fail_at(line_, 1, "there is no column \"" + column.name + "\"");
        if (found != cells.end() && std::find_if(found + 1, cells.end(), named) != cells.end())
            return fail_at(line_, 1, "there are two columns \"" + column.name + "\"");
        places_.push_back(found == cells.end() ? kNowhere : static_cast<std::size_t>(found - cells.begin()));
    }
    return ok();
}

Status CsvTable::line(std::string_view line, const Take& take) {
    ++line_;
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (line_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    if (trimmed(line).empty()) return ok();
    if (!split_row(line, cells_, unquoted_)) return fail_at(line_, 1, "a quote is not closed, or text follows it");
    if (places_.empty()) return head(cells_);
    CsvRow row;
    row.line_ = line_;
    row.whole_ = line;
    row.cells_ = &cells_;
    row.places_ = &places_;
    row.wanted_ = &wanted_;
    ++rows_;
    return take(row);
}

Status CsvTable::feed(std::string_view piece, const Take& take) {
    lines_.feed(piece, [&](std::string_view whole) {
        if (state_) state_ = line(whole, take);
    });
    return state_;
}

Status CsvTable::finish(const Take& take) {
    lines_.finish([&](std::string_view whole) {
        if (state_) state_ = line(whole, take);
    });
    if (state_ && places_.empty()) state_ = fail_at(1, 1, "the table is empty: its first line must name the columns");
    return state_;
}

}  // namespace autotune
