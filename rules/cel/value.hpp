// Values of CEL expressions: the language's scalars, lists, and the two outcomes that are no values.
//
// To add a kind (map, timestamp): one alternative in Value::Data, its Kind, its line in equal(),
// compare() and to_string(); nothing else switches over all kinds. Values are immutable once made;
// lists share their elements, so copies are cheap.
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

namespace autotune::cel {

enum class Kind : std::uint8_t {
    dyn,  // of types only: not known before evaluation
    null,
    boolean,
    integer,
    unsigned_integer,
    number,
    text,
    bytes,
    duration,
    list,
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
using List = std::vector<Value>;

class Value {
public:
    using Data = std::variant<Null, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, Nanos,
                              std::shared_ptr<const List>, Unknown, Failure>;

    Value() = default;  // null
    // Not from a Value: clang would look for the copy's constraint in the constraint itself.
    template <class T>
    requires(!std::is_same_v<T, Value> && std::is_constructible_v<Data, std::in_place_type_t<T>, T>)
        Value(T value)
        : data_(std::in_place_type<T>, std::move(value)) {}  // NOLINT: implicit
    Value(const char*) = delete;                             // would become a bool
    static Value list(List elements) { return Value(std::make_shared<const List>(std::move(elements))); }
    static Value failure(std::string message) { return Value(Failure{std::move(message)}); }

    [[nodiscard]] Kind kind() const;
    template <class T>
    [[nodiscard]] const T* get() const {
        return std::get_if<T>(&data_);
    }
    [[nodiscard]] const List* elements() const {
        const auto* shared = get<std::shared_ptr<const List>>();
        return shared ? shared->get() : nullptr;
    }
    // A value one can compute with: neither unknown nor failure.
    [[nodiscard]] bool usable() const { return kind() < Kind::unknown; }
    [[nodiscard]] const Data& data() const { return data_; }

private:
    Data data_;
};

// CEL's equality: numbers compare across types, values of other different kinds are unequal, NaN
// equals nothing. REQUIRES usable values.
[[nodiscard]] bool equal(const Value& a, const Value& b);

// nullopt: no order between these kinds. Unordered for NaN. Numbers of different types compare as doubles.
[[nodiscard]] std::optional<std::partial_ordering> compare(const Value& a, const Value& b);

// As a CEL literal where there is one: 1u, "text", [1, 2], duration("90s").
[[nodiscard]] std::string to_string(const Value& value);

}  // namespace autotune::cel
