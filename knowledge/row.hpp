// Rows by one list of fields: a record's file says `visit("column", record.field)` for each field once,
// and writing, reading and the SQL text all follow that list, so they cannot disagree.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/fixed_string.hpp"
#include "core/time.hpp"
#include "knowledge/sqlite.hpp"

namespace autotune::sqlite {

template <class T>
concept Whole = std::integral<T> || std::is_enum_v<T>;

// Collects the names: "a, b, c" and as many "?, ?, ?".
struct Names {
    std::string columns, marks, updates;

    template <class T>
    void operator()(std::string_view name, const T&) {
        const std::string_view comma = columns.empty() ? "" : ", ";
        columns.append(comma).append(name);
        marks.append(comma).append("?");
        updates.append(comma).append(name).append(" = ?");
    }
};

// Binds the fields to a statement's parameters. Unsigned 64-bit numbers keep their bits.
struct Writer {
    Statement& row;

    template <Whole T>
    void operator()(std::string_view, T value) {
        row.bind(static_cast<std::int64_t>(value));
    }
    void operator()(std::string_view, double value) { row.bind(value); }
    void operator()(std::string_view, Nanos value) { row.bind(static_cast<std::int64_t>(value.count())); }
    void operator()(std::string_view, Timestamp value) { row.bind(to_ns(value)); }
    void operator()(std::string_view, WallTime value) {
        row.bind(static_cast<std::int64_t>(value.time_since_epoch().count()));
    }
    void operator()(std::string_view, const std::string& value) { row.bind(std::string_view(value)); }
    template <std::size_t N>
    void operator()(std::string_view, const FixedString<N>& value) {
        row.bind(value.view());
    }
};

// Fills the fields from a row's columns.
struct Reader {
    const Statement& row;
    int column = 0;

    template <Whole T>
    void operator()(std::string_view, T& value) {
        value = static_cast<T>(row.integer(column++));
    }
    void operator()(std::string_view, double& value) { value = row.number(column++); }
    void operator()(std::string_view, Nanos& value) { value = Nanos(row.integer(column++)); }
    void operator()(std::string_view, Timestamp& value) { value = from_ns(row.integer(column++)); }
    void operator()(std::string_view, WallTime& value) { value = WallTime(Nanos(row.integer(column++))); }
    void operator()(std::string_view, std::string& value) { value = row.text(column++); }
    template <std::size_t N>
    void operator()(std::string_view, FixedString<N>& value) {
        value = FixedString<N>(std::string_view(row.text(column++)));
    }
};

}  // namespace autotune::sqlite
