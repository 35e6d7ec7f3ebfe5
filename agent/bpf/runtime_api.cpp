#include "agent/bpf/runtime_api.hpp"

#include "agent/bpf/http_head.hpp"

namespace autotune {
namespace {

constexpr std::uint64_t kLatestMs = 4'000'000'000'000;  // the year 2096; nanoseconds would overflow later
constexpr std::string_view kPrefix = "/2018-06-01/runtime/";

// Field `index` of "arn:aws:lambda:region:account:function:NAME:QUALIFIER".
std::string_view arn_field(std::string_view arn, int index) {
    for (; index > 0; --index) {
        const auto colon = arn.find(':');
        if (colon == std::string_view::npos) return {};
        arn.remove_prefix(colon + 1);
    }
    return arn.substr(0, arn.find(':'));
}

RuntimeRequestKind kind_of(std::string_view method, std::string_view path, std::string_view& id) {
    if (method == "GET")
        return path == "invocation/next" ? RuntimeRequestKind::next : RuntimeRequestKind::other;
    if (method != "POST") return RuntimeRequestKind::other;
    if (path == "init/error") return RuntimeRequestKind::init_error;
    constexpr std::string_view invocation = "invocation/";
    if (!path.starts_with(invocation)) return RuntimeRequestKind::other;
    path.remove_prefix(invocation.size());
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return RuntimeRequestKind::other;
    id = path.substr(0, slash);
    const std::string_view verb = path.substr(slash + 1);
    if (verb == "response") return RuntimeRequestKind::response;
    return verb == "error" ? RuntimeRequestKind::error : RuntimeRequestKind::other;
}

}  // namespace

std::optional<RuntimeRequest> parse_runtime_request(std::string_view head) {
    const HttpHead http(head);
    std::string_view path = http.target();
    if (!path.starts_with(kPrefix)) return std::nullopt;
    path = path.substr(kPrefix.size());
    path = path.substr(0, path.find('?'));
    std::string_view id;
    RuntimeRequest request;
    request.kind = kind_of(http.method(), path, id);
    request.id = id;
    request.content_length = http.content_length();
    request.error_type = http.header("Lambda-Runtime-Function-Error-Type").value_or("");
    return request;
}

std::optional<RuntimeAnswer> parse_runtime_answer(std::string_view head) {
    const HttpHead http(head);
    if (http.status() != 200) return std::nullopt;
    const auto id = http.header("Lambda-Runtime-Aws-Request-Id");
    if (!id || id->empty()) return std::nullopt;
    const auto arn = http.header("Lambda-Runtime-Invoked-Function-Arn").value_or("");
    RuntimeAnswer answer;
    answer.id = *id;
    answer.function = arn_field(arn, 6);
    answer.qualifier = arn_field(arn, 7);
    answer.trace_id = http.header("Lambda-Runtime-Trace-Id").value_or("");
    answer.deadline_ms = parse_number(http.header("Lambda-Runtime-Deadline-Ms").value_or("")).value_or(0);
    if (answer.deadline_ms > kLatestMs) answer.deadline_ms = 0;
    answer.content_length = http.content_length();
    if (const auto held = http.header("Autotune-Held")) answer.held_ms = parse_number(*held);
    if (answer.held_ms > kLatestMs) answer.held_ms = 0;
    return answer;
}

}  // namespace autotune
