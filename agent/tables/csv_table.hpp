// A table of comma-separated values whose first line names its columns, read as it comes.
//
// Columns are found by name, in any order; what nobody asked for is passed over. A line may have any number of
// cells; one that is not there is empty, which means: not known. Errors are Errc::invalid_argument with the
// message "line:column: what"; the caller puts the file's name in front.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/flows/csv_rows.hpp"
#include "core/result.hpp"

namespace autotune {

struct CsvColumn {
    std::string name;
    enum class Need : std::uint8_t { required, optional } need = Need::required;
};

// One line of the table; views are of the time of the call.
class CsvRow {
public:
    // The cell of the n-th wanted column without blanks around it; empty: not known.
    [[nodiscard]] std::string_view text(std::size_t wanted) const;
    // Below: nullopt where the cell is empty.
    [[nodiscard]] Result<std::optional<double>> number(std::size_t wanted) const;  // finite, not below 0
    [[nodiscard]] Result<std::optional<bool>> yes_or_no(std::size_t wanted) const;  // 1/0, true/false, yes/no
    [[nodiscard]] Unexpected fail(std::size_t wanted, const std::string& what) const;
    [[nodiscard]] std::uint64_t line() const { return line_; }

private:
    friend class CsvTable;
    std::uint64_t line_ = 0;
    std::string_view whole_;
    const std::vector<std::string_view>* cells_ = nullptr;
    const std::vector<std::size_t>* places_ = nullptr;  // of wanted columns
    const std::vector<CsvColumn>* wanted_ = nullptr;
};

class CsvTable {
public:
    using Take = std::function<Status(const CsvRow&)>;
    static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

    explicit CsvTable(std::vector<CsvColumn> wanted) : wanted_(std::move(wanted)) {}
    // Gives each whole line to `take`, but the first and empty ones. After an error nothing more is taken.
    [[nodiscard]] Status feed(std::string_view piece, const Take& take);
    // A last line without an end; an error where there was no line at all.
    [[nodiscard]] Status finish(const Take& take);
    // REQUIRES: a line was taken.
    [[nodiscard]] bool has(std::size_t wanted) const { return places_[wanted] != kNowhere; }
    [[nodiscard]] std::uint64_t rows() const { return rows_; }

private:
    Status line(std::string_view line, const Take& take);
    Status head(const std::vector<std::string_view>& cells);

    std::vector<CsvColumn> wanted_;
    std::vector<std::size_t> places_;
    TextLines lines_;
    Status state_;
    std::uint64_t line_ = 0, rows_ = 0;
    std::vector<std::string_view> cells_;
    std::vector<std::string> unquoted_;
};

}  // namespace autotune
