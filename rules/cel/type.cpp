#include "rules/cel/type.hpp"

namespace autotune::cel {

Type Type::list_of(Type element) {
    Type type(Kind::list);
    type.element = std::make_shared<const Type>(std::move(element));
    return type;
}

Type Type::map_of(Type key, Type value) {
    Type type(Kind::map);
    type.key = std::make_shared<const Type>(std::move(key));
    type.element = std::make_shared<const Type>(std::move(value));
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

Type type_of(const Value& v) {
    if (const auto* elements = v.elements()) {
        Type element(Kind::free);
        for (const Value& e : *elements) element = join(element, type_of(e));
        return Type::list_of(element);
    }
    if (const Map* map = v.map()) {
        Type key(Kind::free), value(Kind::free);
        for (const auto& [k, e] : map->entries()) {
            key = join(key, type_of(k));
            value = join(value, type_of(e));
        }
        return Type::map_of(key, value);
    }
    return v.kind();
}

bool agree(const Type& a, const Type& b) {
    if (a.open() || b.open()) return true;
    if (a.kind != b.kind) return false;
    if (a.kind == Kind::map && !agree(a.key_type(), b.key_type())) return false;
    return (a.kind != Kind::list && a.kind != Kind::map) || agree(a.element_type(), b.element_type());
}

Type join(const Type& a, const Type& b) {
    if (a.kind == Kind::free) return b;
    if (b.kind == Kind::free) return a;
    if (a.kind != b.kind) return Kind::dyn;
    if (a.kind == Kind::list) return Type::list_of(join(a.element_type(), b.element_type()));
    if (a.kind == Kind::map)
        return Type::map_of(join(a.key_type(), b.key_type()), join(a.element_type(), b.element_type()));
    return a;
}

std::string to_string(const Type& type) {
    if (type.kind == Kind::list) return "list(" + to_string(type.element_type()) + ")";
    if (type.kind == Kind::map)
        return "map(" + to_string(type.key_type()) + ", " + to_string(type.element_type()) + ")";
    return std::string(to_string(type.kind));
}

}  // namespace autotune::cel
