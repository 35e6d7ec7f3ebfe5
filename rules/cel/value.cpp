#include "rules/cel/value.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace autotune::cel {

namespace {

// Value::kind() reckons with the order of both.
template <Kind K>
using AlternativeOf =
    std::variant_alternative_t<static_cast<std::size_t>(K) - static_cast<std::size_t>(Kind::null),
                               Value::Data>;
static_assert(std::is_same_v<AlternativeOf<Kind::null>, Null> &&
              std::is_same_v<AlternativeOf<Kind::boolean>, bool> &&
              std::is_same_v<AlternativeOf<Kind::integer>, std::int64_t> &&
              std::is_same_v<AlternativeOf<Kind::unsigned_integer>, std::uint64_t> &&
              std::is_same_v<AlternativeOf<Kind::number>, double> &&
              std::is_same_v<AlternativeOf<Kind::text>, std::string> &&
              std::is_same_v<AlternativeOf<Kind::bytes>, Bytes> &&
              std::is_same_v<AlternativeOf<Kind::duration>, Nanos> &&
              std::is_same_v<AlternativeOf<Kind::timestamp>, Instant> &&
              std::is_same_v<AlternativeOf<Kind::list>, std::shared_ptr<const List>> &&
              std::is_same_v<AlternativeOf<Kind::map>, std::shared_ptr<const Map>> &&
              std::is_same_v<AlternativeOf<Kind::type>, TypeName> &&
              std::is_same_v<AlternativeOf<Kind::unknown>, Unknown> &&
              std::is_same_v<AlternativeOf<Kind::failure>, Failure>);

std::optional<double> as_double(const Value& v) {
    if (const auto* i = v.get<std::int64_t>()) return static_cast<double>(*i);
    if (const auto* u = v.get<std::uint64_t>()) return static_cast<double>(*u);
    if (const auto* d = v.get<double>()) return *d;
    return std::nullopt;
}

// Of two integers of different signedness, without a detour that rounds.
std::partial_ordering compare_integers(std::int64_t a, std::uint64_t b) {
    if (a < 0) return std::partial_ordering::less;
    return static_cast<std::uint64_t>(a) <=> b;
}

std::optional<std::partial_ordering> compare_numbers(const Value& a, const Value& b) {
    if (const double* x = a.get<double>(), *y = b.get<double>(); x && y) return *x <=> *y;
    const auto *ai = a.get<std::int64_t>(), *bi = b.get<std::int64_t>();
    const auto *au = a.get<std::uint64_t>(), *bu = b.get<std::uint64_t>();
    if (ai && bi) return *ai <=> *bi;
    if (au && bu) return *au <=> *bu;
    if (ai && bu) return compare_integers(*ai, *bu);
    if (au && bi) return 0 <=> compare_integers(*bi, *au);
    const auto ad = as_double(a), bd = as_double(b);
    if (ad && bd) return *ad <=> *bd;
    return std::nullopt;
}

bool equal_maps(const Map& a, const Map& b) {
    if (a.entries().size() != b.entries().size()) return false;
    return std::all_of(a.entries().begin(), a.entries().end(), [&](const Map::Entry& entry) {
        const Value* other = b.find(entry.first);
        return other && equal(entry.second, *other);
    });
}

// A total order of what may be a key: bool, then whole numbers by value, then texts.
int rank(const Value& key) {
    if (key.get<bool>()) return 0;
    if (key.get<std::int64_t>() || key.get<std::uint64_t>()) return 1;
    return key.get<std::string>() ? 2 : 3;
}
bool before(const Value& a, const Value& b) {
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return *compare(a, b) < 0;
}

// 2.0 finds what is under 2; a double that is no whole number finds nothing.
std::optional<Value> as_key(const Value& wanted) {
    const auto* d = wanted.get<double>();
    if (!d) return rank(wanted) < 3 ? std::optional(wanted) : std::nullopt;
    if (!(std::trunc(*d) == *d)) return std::nullopt;
    if (*d >= -0x1p63 && *d < 0x1p63) return Value(static_cast<std::int64_t>(*d));
    if (*d >= 0 && *d < 0x1p64) return Value(static_cast<std::uint64_t>(*d));
    return std::nullopt;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    std::uint64_t out = 0;
    return __builtin_add_overflow(a, b, &out) ? std::numeric_limits<std::uint64_t>::max() : out;
}

}  // namespace

std::string_view to_string(Kind kind) {
    constexpr std::array<std::string_view, 16> kNames{
        "dyn",   "dyn",      "null_type", "bool", "int", "uint", "double",  "string",
        "bytes", "duration", "timestamp", "list", "map", "type", "unknown", "error"};
    return kNames[static_cast<std::size_t>(kind)];
}

Value Value::list(std::vector<Value> elements) {
    return Value(std::make_shared<const List>(std::move(elements)));
}

const std::vector<Value>* Value::elements() const {
    const auto* shared = get<std::shared_ptr<const List>>();
    return shared ? &(*shared)->elements : nullptr;
}

const Map* Value::map() const {
    const auto* shared = get<std::shared_ptr<const Map>>();
    return shared ? shared->get() : nullptr;
}

std::uint64_t weight(const Value& v) {
    if (const auto* text = v.get<std::string>()) return 1 + text->size() / 16;
    if (const auto* bytes = v.get<Bytes>()) return 1 + bytes->data.size() / 16;
    if (const auto* list = v.get<std::shared_ptr<const List>>()) return (*list)->weight;
    if (const Map* map = v.map()) return map->weight();
    return 1;
}

std::uint32_t depth(const Value& v) {
    if (const auto* list = v.get<std::shared_ptr<const List>>()) return (*list)->depth;
    return v.map() ? v.map()->depth() : 0;
}

List::List(std::vector<Value> values) : elements(std::move(values)) {
    for (const Value& v : elements) {
        weight = sum(weight, cel::weight(v));
        depth = std::max(depth, cel::depth(v) + 1);
    }
}

Value Map::make(std::vector<Entry> entries) {
    Map map;
    map.entries_ = std::move(entries);
    for (std::uint32_t i = 0; i < map.entries_.size(); ++i) {
        const auto& [key, value] = map.entries_[i];
        if (rank(key) > 2)
            return Value::failure("a key of a map is a bool, int, uint or string, not " +
                                  std::string(cel::to_string(key.kind())));
        map.by_key_.push_back(i);
        map.weight_ = sum(map.weight_, sum(cel::weight(key), cel::weight(value)));
        map.depth_ = std::max(map.depth_, cel::depth(value) + 1);
    }
    const auto key = [&](std::uint32_t i) -> const Value& { return map.entries_[i].first; };
    std::sort(map.by_key_.begin(), map.by_key_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return before(key(a), key(b)); });
    for (std::size_t i = 1; i < map.by_key_.size(); ++i)
        if (!before(key(map.by_key_[i - 1]), key(map.by_key_[i])))
            return Value::failure("the key " + cel::to_string(key(map.by_key_[i])) + " is in the map twice");
    return Value(std::make_shared<const Map>(std::move(map)));
}

const Value* Map::find(const Value& wanted) const {
    const auto key = as_key(wanted);
    if (!key) return nullptr;
    const auto found = std::partition_point(by_key_.begin(), by_key_.end(),
                                            [&](std::uint32_t i) { return before(entries_[i].first, *key); });
    if (found == by_key_.end() || before(*key, entries_[*found].first)) return nullptr;
    return &entries_[*found].second;
}

bool equal(const Value& a, const Value& b) {
    if (const auto order = compare_numbers(a, b)) return *order == 0;
    const auto *x = a.elements(), *y = b.elements();
    if (x && y)
        return std::equal(x->begin(), x->end(), y->begin(), y->end(),
                          [](const Value& p, const Value& q) { return equal(p, q); });
    if (a.map() && b.map()) return equal_maps(*a.map(), *b.map());
    return a.data() == b.data();
}

std::optional<std::partial_ordering> compare(const Value& a, const Value& b) {
    if (const auto order = compare_numbers(a, b)) return order;
    if (a.kind() != b.kind()) return std::nullopt;
    if (const auto* t = a.get<std::string>()) return *t <=> *b.get<std::string>();
    if (const auto* t = a.get<Bytes>()) return *t <=> *b.get<Bytes>();
    if (const auto* t = a.get<bool>()) return *t <=> *b.get<bool>();
    if (const auto* t = a.get<Nanos>()) return *t <=> *b.get<Nanos>();
    if (const auto* t = a.get<Instant>()) return *t <=> *b.get<Instant>();
    return std::nullopt;
}

}  // namespace autotune::cel
