// Values of CEL expressions: the language's scalars, lists, maps and types, and the two outcomes that
// are no values.
//
// To add a kind: one alternative in Value::Data, its Kind, its line in equal(), compare() and
// to_string(). Values are immutable once made; lists and maps share their elements, so copies are
// cheap. A list or map may hold another one several times, so what a value amounts to when it is
// written out is kept beside it (weight()): whoever walks a value can say beforehand what that costs.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/time.hpp"
#include "rules/cel/instant.hpp"

namespace autotune::cel {

enum class Kind : std::uint8_t {
    dyn,   // of types only: not known before evaluation
    free,  // of types only: of nothing yet, like the elements of []
    null,
    boolean,
    integer,
    unsigned_integer,
    number,
    text,
    bytes,
    duration,
    timestamp,
    list,
    map,
    type,
    unknown,
    failure,  // of values only
};
[[nodiscard]] std::string_view to_string(Kind kind);  // CEL's names: "int", "double", "string", …

struct Null {
    bool operator==(const Null&) const = default;
};
struct Bytes {
    std::string data;
    auto operator<=>(const Bytes&) const = default;
};
// What type(x) gives: "int", "list", "google.protobuf.Timestamp".
struct TypeName {
    std::string name;
    bool operator==(const TypeName&) const = default;
};
// The value was not measured. What needs it is unknown too, unless the rest decides (`x || true`).
struct Unknown {
    std::string what;  // name of the variable
    bool operator==(const Unknown&) const = default;
};
// Evaluation failed: division by zero, overflow, no matching overload.
struct Failure {
    std::string message;
    bool operator==(const Failure&) const = default;
};

class Value;
class List;
class Map;

// Is T an alternative of the variant itself, not something that converts to one?
template <class T, class Variant>
inline constexpr bool kIsOneOf = false;
template <class T, class... Alternatives>
inline constexpr bool kIsOneOf<T, std::variant<Alternatives...>> = (std::is_same_v<T, Alternatives> || ...);

class Value {
public:
    using Data =
        std::variant<Null, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, Nanos, Instant,
                     std::shared_ptr<const List>, std::shared_ptr<const Map>, TypeName, Unknown, Failure>;

    Value() noexcept : data_() {}  // null
    Value(const Value& v) {
        if (!copy_plain(v)) std::construct_at(&data_, v.data_);
    }
    Value(Value&& v) noexcept {
        if (!copy_plain(v)) std::construct_at(&data_, std::move(v.data_));
    }
    Value& operator=(const Value& v) { return data_ = v.data_, *this; }
    Value& operator=(Value&& v) noexcept { return data_ = std::move(v.data_), *this; }
    ~Value() {
        if (!needs_no_end()) std::destroy_at(&data_);
    }
    template <class T>
    requires(kIsOneOf<T, Data>) Value(T value)  // NOLINT: implicit
        : data_(std::in_place_type<T>, std::move(value)) {}
    Value(const char*) = delete;  // would become a bool
    static Value list(std::vector<Value> elements);
    static Value failure(std::string message) { return Value(Failure{std::move(message)}); }

    // The kinds of values are in the order of Data's alternatives.
    [[nodiscard]] Kind kind() const {
        return static_cast<Kind>(data_.index() + static_cast<std::size_t>(Kind::null));
    }
    template <class T>
    [[nodiscard]] const T* get() const {
        return std::get_if<T>(&data_);
    }
    [[nodiscard]] const std::vector<Value>* elements() const;  // null: not a list
    [[nodiscard]] const Map* map() const;                      // null: not a map
    // A value one can compute with: neither unknown nor failure.
    [[nodiscard]] bool usable() const { return kind() < Kind::unknown; }
    [[nodiscard]] const Data& data() const { return data_; }

private:
    // Most values of conditions are numbers and truths. A variant of so many kinds goes through a table of functions to copy
    // and to end them.
    bool copy_plain(const Value& v) noexcept {
        if (const auto* number = v.get<double>()) return std::construct_at(&data_, *number), true;
        if (const auto* truth = v.get<bool>()) return std::construct_at(&data_, *truth), true;
        return false;
    }
    [[nodiscard]] bool needs_no_end() const { return kind() < Kind::text; }

    union {
        Data data_;
    };
};

// What a value amounts to: 1 for a scalar, 1 for each 16 bytes of a text, and the sum for lists and
// maps, written out in full. Saturates; O(1).
[[nodiscard]] std::uint64_t weight(const Value& value);
// Of lists and maps in each other: 0 for a scalar. O(1).
[[nodiscard]] std::uint32_t depth(const Value& value);

class List {
public:
    explicit List(std::vector<Value> elements);
    std::vector<Value> elements;
    std::uint64_t weight = 1;
    std::uint32_t depth = 1;
};

// Keys are bool, int, uint or string; 1 and 1u are one key. Entries keep the order they were given in.
class Map {
public:
    using Entry = std::pair<Value, Value>;

    // The map, or a Failure: a key of another kind, or one given twice.
    static Value make(std::vector<Entry> entries);

    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
    // By key, a double that is a whole number being that number; null when there is none. O(log n).
    [[nodiscard]] const Value* find(const Value& key) const;
    [[nodiscard]] std::uint64_t weight() const { return weight_; }
    [[nodiscard]] std::uint32_t depth() const { return depth_; }

private:
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> by_key_;  // indices into entries_
    std::uint64_t weight_ = 1;
    std::uint32_t depth_ = 1;
};

// CEL's equality: numbers compare across types, values of other different kinds are unequal, NaN
// equals nothing. REQUIRES usable values. Time: the weight of the lighter.
[[nodiscard]] bool equal(const Value& a, const Value& b);

// nullopt: no order between these kinds. Unordered for NaN. Numbers of different types compare as doubles.
[[nodiscard]] std::optional<std::partial_ordering> compare(const Value& a, const Value& b);

// As a CEL literal where there is one: 1u, "text", [1, 2], duration("90s").
[[nodiscard]] std::string to_string(const Value& value);

// Shortest form that reads back as the same double: "0.1", "1e+23", "NaN", "Infinity".
[[nodiscard]] std::string shortest(double number);

// Two digits a byte: "00ff".
[[nodiscard]] std::string hexadecimal(std::string_view bytes);

}  // namespace autotune::cel
