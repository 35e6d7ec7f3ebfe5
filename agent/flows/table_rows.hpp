// TableRows: a table whose first line names its columns, read as it comes; rows that cannot be used are skipped,
// counted and told by line. What FlowReader and CallReader have in common. (Where one bad row makes the whole table
// useless: agent/tables/csv_table.hpp.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/flows/csv_rows.hpp"
#include "core/result.hpp"

namespace autotune {

// One owner. `head` is called with nothing for the first line and returns a Status, `row` for each other that is not
// empty; both look at it by column() and cell(), whose views are of the time of the call.
class TableRows {
public:
    static constexpr std::size_t kTold = 10;

    // Errors: invalid_argument, "line: what", of a first line that cannot be used; nothing more is read then.
    template <class Head, class Row>
    [[nodiscard]] Status feed(std::string_view piece, const Head& head, const Row& row) {
        lines_.feed(piece, [&](std::string_view text) { line(text, head, row); });
        return state_;
    }
    template <class Head, class Row>
    [[nodiscard]] Status finish(const Head& head, const Row& row) {
        lines_.finish([&](std::string_view text) { line(text, head, row); });
        if (state_ && !begun_) state_ = refused("there is no first line that names the columns");
        return state_;
    }

    // For `head`: the place of the column of that name; -1: there is none.
    [[nodiscard]] int column(std::string_view name);
    // Empty where there is no such column, or the row ends before it.
    [[nodiscard]] std::string_view cell(int column) const;
    // What `head` returns: whether what it needs is there. `missing`: "a, b", or empty. A column that was asked for and is
    // there twice is refused too: nobody knows which was meant.
    [[nodiscard]] Status head_with(const std::string& missing) const;
    // What `row` says of one that cannot be used.
    void skip(std::string why);

    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
    // "17: the end is before the start", the first kTold.
    [[nodiscard]] const std::vector<std::string>& told() const { return told_; }

private:
    template <class Head, class Row>
    void line(std::string_view text, const Head& head, const Row& row) {
        if (!state_ || !next(text)) return;
        if (begun_) return row();
        begun_ = true;
        state_ = head();
    }
    // Whether the line is one that has something to say.
    bool next(std::string_view text);
    [[nodiscard]] Unexpected refused(const std::string& why) const;

    TextLines lines_;
    Status state_;
    std::vector<std::string_view> cells_;
    std::vector<std::string> unquoted_;
    std::string twice_;  // name of a column
    bool begun_ = false;
    std::uint64_t number_ = 0, skipped_ = 0;
    std::vector<std::string> told_;
};

}  // namespace autotune
