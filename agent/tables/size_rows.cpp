#include "agent/tables/size_rows.hpp"

#include <array>
#include <cmath>

namespace autotune {

namespace {

enum Column : std::size_t { kMemory, kDuration, kPeak, kStatus };
constexpr double kLargestMb = 1e7, kLongestMs = 1e9;  // ten terabytes, eleven days

using End = SizeRow::End;
constexpr std::array kEnds{
    std::pair{End::ok, std::string_view("ok")}, std::pair{End::error, std::string_view("error")},
    std::pair{End::timeout, std::string_view("timeout")}, std::pair{End::oom, std::string_view("oom")}};

Result<End> end_of(const CsvRow& row) {
    const std::string_view cell = row.text(kStatus);
    for (const auto& [end, name] : kEnds)
        if (cell == name) return end;
    return row.fail(kStatus, "neither ok, error, timeout nor oom");
}

enum class Statuses : std::uint8_t { given, none };

Result<SizeRow> row_of(const CsvRow& row, Statuses statuses) {
    SizeRow out{.line = row.line()};
    const auto memory = row.number(kMemory), duration = row.number(kDuration), peak = row.number(kPeak);
    if (!memory) return memory.forward();
    if (!duration) return duration.forward();
    if (!peak) return peak.forward();
    if (!*memory) return row.fail(kMemory, "is missing");
    const double mb = std::round(**memory);
    if (mb < 1 || mb > kLargestMb) return row.fail(kMemory, "not between 1 and 10000000");
    out.memory_mb = static_cast<std::uint32_t>(mb);
    if (statuses == Statuses::given) {
        const auto end = end_of(row);
        if (!end) return end.forward();
        out.end = *end;
    }
    if (!*duration && out.end == End::ok) return row.fail(kDuration, "is missing, of a call that succeeded");
    out.duration_ms = duration->value_or(0);
    if (out.duration_ms > kLongestMs) return row.fail(kDuration, "longer than eleven days");
    out.peak_mb = peak->value_or(0);
    if (out.peak_mb > kLargestMb) return row.fail(kPeak, "more than 10000000");
    return out;
}

CsvTable::Take of_rows(const CsvTable& table, const SizeRows::Take& take) {
    return [&table, &take](const CsvRow& row) -> Status {
        const auto read = row_of(row, table.has(kStatus) ? Statuses::given : Statuses::none);
        return read ? take(*read) : read.forward();
    };
}

}  // namespace

std::string_view to_string(SizeRow::End end) { return kEnds[static_cast<std::size_t>(end)].second; }

SizeRows::SizeRows()
    : table_({{"memory_mb"},
              {"duration_ms"},
              {"max_memory_mb", CsvColumn::Need::optional},
              {"status", CsvColumn::Need::optional}}) {}

Status SizeRows::feed(std::string_view piece, const Take& take) {
    return table_.feed(piece, of_rows(table_, take));
}

Status SizeRows::finish(const Take& take) { return table_.finish(of_rows(table_, take)); }

}  // namespace autotune
