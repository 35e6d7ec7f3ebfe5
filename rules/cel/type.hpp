// Types of CEL expressions, for checking before anything is evaluated.
#pragma once

#include <memory>
#include <string>

#include "core/facts.hpp"
#include "rules/cel/value.hpp"

namespace autotune::cel {

struct Type {
    Kind kind = Kind::dyn;
    std::shared_ptr<const Type> element;  // of lists; null: dyn

    Type(Kind k = Kind::dyn) : kind(k) {}  // NOLINT: implicit, a kind is a type
    static Type list_of(Type element);
    [[nodiscard]] Type element_type() const { return element ? *element : Type(); }
};
[[nodiscard]] Type type_of(FactType fact);

// May a value of one type be where the other is expected? dyn goes with everything.
[[nodiscard]] bool agree(const Type& a, const Type& b);
// The type of something that is one or the other: theirs where they agree, else dyn.
[[nodiscard]] Type join(const Type& a, const Type& b);
[[nodiscard]] std::string to_string(const Type& type);  // "list(int)"

}  // namespace autotune::cel
