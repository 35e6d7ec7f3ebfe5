// Calls at memory sizes from a table: memory_mb,duration_ms,max_memory_mb,status.
//
// The columns `max_memory_mb` and `status` need not be there; without the latter all calls succeeded. A peak
// may be empty, and so may the time of a call that failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/tables/csv_table.hpp"
#include "core/result.hpp"

namespace autotune {

struct SizeRow {
    std::uint32_t memory_mb = 0;  // 1 … 10 million
    double duration_ms = 0;       // 0 where the table has none; else to eleven days
    double peak_mb = 0;           // 0: not known
    enum class End : std::uint8_t { ok, error, timeout, oom } end = End::ok;
    std::uint64_t line = 0;  // of the file
    double duration_ms_before = 0;  // of a call that had to be made for this one, and is paid for: the cold one of a size
    double init_ms = 0, init_ms_before = 0;  // of the init phases of either; a table does not tell them
    std::string bucket;              // of its input; "" where the table is not read by buckets
    std::uint32_t bucket_order = 0;  // of sizes of input: the bucket's number
};
[[nodiscard]] std::string_view to_string(SizeRow::End end);

class SizeRows {
public:
    using Take = std::function<Status(const SizeRow&)>;
    // `by`: the column that tells the bucket of a call's input, by its text, or of "input_bytes" by powers of two, as
    // core/invocation.hpp has them; "": there is none.
    explicit SizeRows(const std::string& by = "");
    // Gives each row to `take`. Errors: as CsvTable, or what `take` says.
    [[nodiscard]] Status feed(std::string_view piece, const Take& take);
    [[nodiscard]] Status finish(const Take& take);
    [[nodiscard]] std::uint64_t rows() const { return table_.rows(); }

private:
    enum class Bucket : std::uint8_t { none, text, bytes } bucket_;
    CsvTable table_;

    [[nodiscard]] CsvTable::Take of_rows(const Take& take) const;
    [[nodiscard]] Result<SizeRow> row_of(const CsvRow& row) const;
};

}  // namespace autotune
