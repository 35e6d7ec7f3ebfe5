// JsonBody: a request's JSON object, read member by member.
//
// The first thing that is wrong with it is kept as its fault, and from then on everything reads as
// absent: so callers read straight through and look at fault() once. null is absent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "host/control/faults.hpp"

namespace autotune::host {

class JsonBody {
public:
    explicit JsonBody(std::string_view text);  // empty text is an empty object

    std::optional<std::string> text(const char* member);
    std::optional<std::uint32_t> number(const char* member);  // out of range: the nearest end
    std::optional<bool> flag(const char* member);
    std::optional<std::map<std::string, std::string>> texts(const char* member);
    std::optional<std::map<std::string, double>> weights(const char* member);
    std::optional<std::vector<std::string>> list(const char* member);
    std::optional<JsonBody> object(const char* member);
    [[nodiscard]] bool has_content(const char* member);  // not absent, not empty

    // The value; a fault when there is none.
    template <class T>
    T required(std::optional<T> value, const char* wire_name) {
        if (!value) adopt(constraint_fault("null", wire_name, "Member must not be null"));
        return std::move(value).value_or(T{});
    }

    void refuse_unless_absent(const char* member, const char* why);
    void adopt(const Unexpected& fault);
    void adopt(const JsonBody& nested);
    [[nodiscard]] const std::optional<Unexpected>& fault() const { return fault_; }

private:
    struct Value;
    explicit JsonBody(std::shared_ptr<const Value> object) : object_(std::move(object)) {}
    template <class T>
    std::optional<T> read(const char* member);
    void wrong_type(const char* member);

    std::shared_ptr<const Value> object_;
    std::optional<Unexpected> fault_;
};

// Whether `payload` is JSON, as Invoke requires: InvalidRequestContentException. Empty is allowed.
[[nodiscard]] Status check_payload(std::string_view payload);

}  // namespace autotune::host
