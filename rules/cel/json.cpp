#include "rules/cel/json.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "rules/cel/duration.hpp"
#include "rules/cel/names.hpp"
#include "rules/cel/program.hpp"
#include "rules/cel/string_literal.hpp"

namespace autotune::cel {

namespace {

using Json = nlohmann::ordered_json;

// --- to JSON
Json parts(std::int64_t seconds, std::int64_t nanos) {
    return {{"seconds", std::to_string(seconds)}, {"nanos", std::to_string(nanos)}};
}

struct Writer {
    Json operator()(Null) const { return {{"null", nullptr}}; }
    Json operator()(bool v) const { return {{"bool", v}}; }
    Json operator()(std::int64_t v) const { return {{"int", std::to_string(v)}}; }
    Json operator()(std::uint64_t v) const { return {{"uint", std::to_string(v)}}; }
    Json operator()(double v) const { return {{"double", shortest(v)}}; }
    Json operator()(const std::string& v) const { return {{"string", v}}; }
    Json operator()(const Bytes& v) const { return {{"bytes", hexadecimal(v.data)}}; }
    Json operator()(Nanos v) const {
        return {{"duration", parts(v.count() / 1'000'000'000, v.count() % 1'000'000'000)}};
    }
    Json operator()(Instant v) const { return {{"timestamp", parts(v.seconds, v.nanos)}}; }
    Json operator()(const std::shared_ptr<const List>& v) const {
        Json elements = Json::array();
        for (const Value& e : v->elements) elements.push_back(std::visit(*this, e.data()));
        return {{"list", std::move(elements)}};
    }
    Json operator()(const std::shared_ptr<const Map>& v) const {
        Json entries = Json::array();
        for (const auto& [key, value] : v->entries()) {
            Json entry = Json::array();
            entry.push_back(std::visit(*this, key.data()));
            entry.push_back(std::visit(*this, value.data()));
            entries.push_back(std::move(entry));
        }
        return {{"map", std::move(entries)}};
    }
    Json operator()(const TypeName& v) const { return {{"type", v.name}}; }
    Json operator()(const Unknown&) const { return nullptr; }
    Json operator()(const Failure&) const { return nullptr; }
};

// --- from JSON
Result<Value> wrong(const std::string& at, const std::string& why) {
    return fail(Errc::invalid_argument, (at.empty() ? "" : at + ": ") + why);
}

template <class T>
std::optional<T> number(const Json& json) {
    const std::string text = json.is_string() ? json.get<std::string>() : json.is_number() ? json.dump() : "";
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

template <class T>
Result<Value> number_value(const Json& json, const std::string& at) {
    if (const auto value = number<T>(json)) return Value(*value);
    return wrong(at, json.dump() + " is no such number");
}

std::optional<std::string> from_hexadecimal(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        unsigned byte = 0;
        const char* end = text.data() + std::min(i + 2, text.size());
        if (i + 2 > text.size() || std::from_chars(text.data() + i, end, byte, 16).ptr != end)
            return std::nullopt;
        out += static_cast<char>(byte);
    }
    return out;
}

// {"seconds": "1", "nanos": "5"}, either of which may be missing.
std::optional<std::pair<std::int64_t, std::int64_t>> seconds_and_nanos(const Json& json) {
    if (!json.is_object()) return std::nullopt;
    std::int64_t seconds = 0, nanos = 0;
    for (const auto& [name, part] : json.items()) {
        const auto value = number<std::int64_t>(part);
        if (!value || (name != "seconds" && name != "nanos")) return std::nullopt;
        (name == "seconds" ? seconds : nanos) = *value;
    }
    if (nanos <= -1'000'000'000 || nanos >= 1'000'000'000) return std::nullopt;
    return std::pair(seconds, nanos);
}

Result<Value> duration(const Json& json, const std::string& at) {
    if (json.is_string())
        if (const auto parsed = parse_duration(json.get<std::string>())) return Value(*parsed);
    std::int64_t ns = 0;
    const auto given = seconds_and_nanos(json);
    if (!given || __builtin_mul_overflow(given->first, std::int64_t{1'000'000'000}, &ns) ||
        __builtin_add_overflow(ns, given->second, &ns))
        return wrong(at, R"(a duration is {"seconds": "1", "nanos": "0"}, at most 292 years, or "1.5s")");
    return Value(Nanos(ns));
}

Result<Value> timestamp(const Json& json, const std::string& at) {
    if (json.is_string())
        if (const auto parsed = parse_instant(json.get<std::string>())) return Value(*parsed);
    const auto given = seconds_and_nanos(json);
    const Instant instant =
        given ? Instant{given->first, static_cast<std::int32_t>(given->second)} : Instant{};
    if (!given || !in_range(instant))
        return wrong(
            at,
            R"(a timestamp is {"seconds": "1", "nanos": "0"} of the years 1 to 9999, or "2009-02-13T23:31:30Z")");
    return Value(instant);
}

Result<Value> read(const Json& json, const std::string& at, std::uint32_t depth);

Result<Value> list(const Json& json, const std::string& at, std::uint32_t depth) {
    if (!json.is_array()) return wrong(at, "a list is an array of values");
    std::vector<Value> elements;
    for (std::size_t i = 0; i < json.size(); ++i) {
        auto element = read(json[i], at + "[" + std::to_string(i) + "]", depth + 1);
        if (!element) return element.forward();
        elements.push_back(std::move(*element));
    }
    return Value::list(std::move(elements));
}

Result<Value> map(const Json& json, const std::string& at, std::uint32_t depth) {
    if (!json.is_array()) return wrong(at, "a map is an array of pairs [key, value]");
    std::vector<Map::Entry> entries;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const std::string where = at + "[" + std::to_string(i) + "]";
        if (!json[i].is_array() || json[i].size() != 2)
            return wrong(where, "an entry of a map is a pair [key, value]");
        auto key = read(json[i][0], where + "[0]", depth + 1);
        if (!key) return key.forward();
        auto value = read(json[i][1], where + "[1]", depth + 1);
        if (!value) return value.forward();
        entries.emplace_back(std::move(*key), std::move(*value));
    }
    Value out = Map::make(std::move(entries));
    if (const auto* failure = out.get<Failure>()) return wrong(at, failure->message);
    return out;
}

Result<Value> read(const Json& json, const std::string& at, std::uint32_t depth) {
    if (depth > kDeepestValue) return wrong(at, "nested too deep");
    if (!json.is_object() || json.size() != 1)
        return wrong(at, R"(a value is an object with one member that names its kind: {"int": "1"})");
    const std::string kind = json.begin().key();
    const Json& v = json.begin().value();
    const std::string inside = at.empty() ? kind : at + "." + kind;
    if (kind == "null") return Value(Null{});
    if (kind == "bool" && v.is_boolean()) return Value(v.get<bool>());
    if (kind == "int") return number_value<std::int64_t>(v, inside);
    if (kind == "uint") return number_value<std::uint64_t>(v, inside);
    if (kind == "double") return number_value<double>(v, inside);
    if (kind == "string" && v.is_string()) return Value(v.get<std::string>());
    if (kind == "type" && v.is_string()) return Value(TypeName{v.get<std::string>()});
    if (kind == "duration") return duration(v, inside);
    if (kind == "timestamp") return timestamp(v, inside);
    if (kind == "list") return list(v, inside, depth);
    if (kind == "map") return map(v, inside, depth);
    if (kind == "bytes" && v.is_string())
        if (auto bytes = from_hexadecimal(v.get<std::string>())) return Value(Bytes{std::move(*bytes)});
    return wrong(inside, "this is no value of a kind that CEL has");
}

Result<Json> parsed(std::string_view text) {
    try {
        return Json::parse(text);
    } catch (const Json::exception& e) {
        return fail(Errc::invalid_argument, std::string("not JSON: ") + e.what());
    }
}

}  // namespace

std::string to_json(const Value& value) {
    return std::visit(Writer{}, value.data()).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Value> from_json(std::string_view text) {
    const auto json = parsed(text);
    return json ? read(*json, "", 0) : json.forward();
}

Result<Bindings> bindings_from_json(std::string_view text) {
    const auto json = parsed(text);
    if (!json) return json.forward();
    if (!json->is_object())
        return fail(Errc::invalid_argument, R"(bindings are an object of values: {"x": {"int": "1"}})");
    Bindings out;
    for (const auto& [name, value] : json->items()) {
        auto read_value = read(value, name, 0);
        if (!read_value) return read_value.forward();
        out.emplace_back(name, std::move(*read_value));
    }
    return out;
}

}  // namespace autotune::cel
