#include "agent/tables/size_rows.hpp"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "core/invocation.hpp"

namespace autotune {

namespace {

enum Column : std::size_t { kMemory, kDuration, kPeak, kStatus, kBucket };
constexpr double kLargestMb = 1e7, kLongestMs = 1e9;  // ten terabytes, eleven days
constexpr double kMostBytes = 1125899906842624;        // 2^50
constexpr std::size_t kLongestName = 200;              // of a bucket, in bytes

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

// Calls of like input sizes, by what they may be: "15..30 bytes" is bucket 4.
Status read_bytes(const CsvRow& row, SizeRow& out) {
    const auto bytes = row.number(kBucket);
    if (!bytes) return bytes.forward();
    if (!*bytes) return row.fail(kBucket, "is missing");
    if (**bytes > kMostBytes) return row.fail(kBucket, "more than 2^50 bytes");
    out.bucket_order = input_bucket(static_cast<std::uint64_t>(**bytes));
    const std::uint64_t power = std::uint64_t{1} << out.bucket_order;
    const std::string first = std::to_string(power - 1), last = std::to_string(2 * power - 2);
    out.bucket = (power == 1 ? first : first + ".." + last) + " bytes";
    return ok();
}

Status read_name(const CsvRow& row, SizeRow& out) {
    const std::string_view name = row.text(kBucket);
    if (name.empty()) return row.fail(kBucket, "is missing");
    if (name.size() > kLongestName) return row.fail(kBucket, "longer than 200 bytes");
    out.bucket = name;
    return ok();
}

}  // namespace

Result<SizeRow> SizeRows::row_of(const CsvRow& row) const {
    SizeRow out{.line = row.line()};
    const auto memory = row.number(kMemory), duration = row.number(kDuration), peak = row.number(kPeak);
    if (!memory) return memory.forward();
    if (!duration) return duration.forward();
    if (!peak) return peak.forward();
    if (!*memory) return row.fail(kMemory, "is missing");
    const double mb = std::round(**memory);
    if (mb < 1 || mb > kLargestMb) return row.fail(kMemory, "not between 1 and 10000000");
    out.memory_mb = static_cast<std::uint32_t>(mb);
    if (table_.has(kStatus)) {
        const auto end = end_of(row);
        if (!end) return end.forward();
        out.end = *end;
    }
    if (!*duration && out.end == End::ok) return row.fail(kDuration, "is missing, of a call that succeeded");
    out.duration_ms = duration->value_or(0);
    if (out.duration_ms > kLongestMs) return row.fail(kDuration, "longer than eleven days");
    out.peak_mb = peak->value_or(0);
    if (out.peak_mb > kLargestMb) return row.fail(kPeak, "more than 10000000");
    const Status bucket = bucket_ == Bucket::bytes ? read_bytes(row, out) : bucket_ == Bucket::text ? read_name(row, out) : ok();
    if (!bucket) return bucket.forward();
    return out;
}

CsvTable::Take SizeRows::of_rows(const Take& take) const {
    return [this, &take](const CsvRow& row) -> Status {
        const auto read = row_of(row);
        return read ? take(*read) : read.forward();
    };
}

std::string_view to_string(SizeRow::End end) { return kEnds[static_cast<std::size_t>(end)].second; }

SizeRows::SizeRows(const std::string& by)
    : bucket_(by.empty() ? Bucket::none : by == "input_bytes" ? Bucket::bytes : Bucket::text),
      table_([&] {
          std::vector<CsvColumn> columns{{"memory_mb"},
                                         {"duration_ms"},
                                         {"max_memory_mb", CsvColumn::Need::optional},
                                         {"status", CsvColumn::Need::optional}};
          if (!by.empty()) columns.push_back({by});
          return columns;
      }()) {}

Status SizeRows::feed(std::string_view piece, const Take& take) { return table_.feed(piece, of_rows(take)); }

Status SizeRows::finish(const Take& take) { return table_.finish(of_rows(take)); }

}  // namespace autotune
