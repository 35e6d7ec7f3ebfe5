#include "rules/cel/type.hpp"

namespace autotune::cel {

Type Type::list_of(Type element) {
    Type type(Kind::list);
    type.element = std::make_shared<const Type>(std::move(element));
    return type;
}

Type type_of(FactType fact) {
    switch (fact) {
        case FactType::boolean: return Kind::boolean;
        case FactType::integer: return Kind::integer;
        case FactType::number: return Kind::number;
        case FactType::text: return Kind::text;
        case FactType::duration: return Kind::duration;
    }
    return Kind::dyn;
}

bool agree(const Type& a, const Type& b) {
    if (a.kind == Kind::dyn || b.kind == Kind::dyn) return true;
    if (a.kind != b.kind) return false;
    return a.kind != Kind::list || agree(a.element_type(), b.element_type());
}

Type join(const Type& a, const Type& b) {
    if (a.kind != b.kind) return Kind::dyn;
    return a.kind == Kind::list ? Type::list_of(join(a.element_type(), b.element_type())) : a;
}

std::string to_string(const Type& type) {
    if (type.kind == Kind::list) return "list(" + to_string(type.element_type()) + ")";
    return std::string(to_string(type.kind));
}

}  // namespace autotune::cel
