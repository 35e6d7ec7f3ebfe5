#include "host/control/json_body.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/json_depth.hpp"

namespace autotune::host {

using nlohmann::json;

struct JsonBody::Value {
    json object;

    [[nodiscard]] const json* find(const char* member) const {
        const auto found = object.find(member);
        return found == object.end() || found->is_null() ? nullptr : &*found;
    }
};

namespace {

template <class T>
std::optional<T> convert(const json& value) try {
    if constexpr (std::is_same_v<T, std::uint32_t>) {
        // Pinned to the type's ends, so that a range check says what Lambda says.
        if (!value.is_number_integer()) return std::nullopt;
        if (!value.is_number_unsigned()) return 0;
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(value.get<std::uint64_t>(), UINT32_MAX));
    } else {
        return value.get<T>();
    }
} catch (const json::exception&) {
    return std::nullopt;
}

}  // namespace

JsonBody::JsonBody(std::string_view text) {
    auto parsed = nests_deeper_than(text) ? json() : json::parse(text.empty() ? "{}" : text, nullptr, false);
    if (!parsed.is_object()) {
        fault_ = lambda_fault(Fault::invalid_content, "Could not parse request body into json");
        parsed = json::object();
    }
    object_ = std::make_shared<Value>(Value{std::move(parsed)});
}

template <class T>
std::optional<T> JsonBody::read(const char* member) {
    const auto* value = fault_ ? nullptr : object_->find(member);
    if (value == nullptr) return std::nullopt;
    auto converted = convert<T>(*value);
    if (!converted) wrong_type(member);
    return converted;
}

std::optional<std::string> JsonBody::text(const char* member) { return read<std::string>(member); }
std::optional<std::uint32_t> JsonBody::number(const char* member) { return read<std::uint32_t>(member); }
std::optional<bool> JsonBody::flag(const char* member) { return read<bool>(member); }
std::optional<std::map<std::string, std::string>> JsonBody::texts(const char* member) {
    return read<std::map<std::string, std::string>>(member);
}
std::optional<std::map<std::string, double>> JsonBody::weights(const char* member) {
    return read<std::map<std::string, double>>(member);
}
std::optional<std::vector<std::string>> JsonBody::list(const char* member) {
    return read<std::vector<std::string>>(member);
}

std::optional<JsonBody> JsonBody::object(const char* member) {
    const auto* value = fault_ ? nullptr : object_->find(member);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) return wrong_type(member), std::nullopt;
    return JsonBody(std::make_shared<const Value>(Value{*value}));
}

bool JsonBody::has_content(const char* member) {
    const auto* value = fault_ ? nullptr : object_->find(member);
    return value != nullptr && !value->empty();
}

void JsonBody::refuse_unless_absent(const char* member, const char* why) {
    if (has_content(member)) adopt(lambda_fault(Fault::invalid_parameter, why));
}

void JsonBody::adopt(const Unexpected& fault) {
    if (!fault_) fault_ = fault;
}

void JsonBody::adopt(const JsonBody& nested) {
    if (nested.fault_) adopt(*nested.fault_);
}

void JsonBody::wrong_type(const char* member) {
    adopt(lambda_fault(Fault::invalid_content,
                       std::string("Could not parse request body into json: wrong type of ") + member));
}

Status check_payload(std::string_view payload) {
    if (payload.empty() || json::accept(payload)) return ok();
    return lambda_fault(
        Fault::invalid_content,
        "Could not parse request body into json: Could not parse payload into json: expected a "
        "valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')");
}

}  // namespace autotune::host
