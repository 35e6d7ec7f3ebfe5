// Types of CEL expressions, for checking before anything is evaluated.
#pragma once

#include <memory>
#include <string>

#include "core/facts.hpp"
#include "rules/cel/value.hpp"

namespace autotune::cel {

struct Type {
    Kind kind = Kind::dyn;
    std::shared_ptr<const Type> key;      // of maps; null: dyn
    std::shared_ptr<const Type> element;  // of lists, and the values of maps; null: dyn

    Type(Kind k = Kind::dyn) : kind(k) {}  // NOLINT: implicit, a kind is a type
    static Type list_of(Type element);
    static Type map_of(Type key, Type value);
    [[nodiscard]] Type key_type() const { return key ? *key : Type(); }
    [[nodiscard]] Type element_type() const { return element ? *element : Type(); }
    [[nodiscard]] bool open() const {
        return kind == Kind::dyn || kind == Kind::free;
    }  // goes with everything
};
[[nodiscard]] Type type_of(FactType fact);
// Of a value that is given: its elements joined.
[[nodiscard]] Type type_of(const Value& value);

// May a value of one type be where the other is expected? dyn goes with everything.
[[nodiscard]] bool agree(const Type& a, const Type& b);
// The type of something that is one or the other: theirs where they agree, else dyn. What is free yet
// becomes what the other is.
[[nodiscard]] Type join(const Type& a, const Type& b);
[[nodiscard]] std::string to_string(const Type& type);  // "list(int)", "map(string, dyn)"

}  // namespace autotune::cel
