// Whatever answers in Lambda's place: each answer is read as what it says, or refused as none of Lambda's. The first byte is
// the status.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/json_depth.hpp"
#include "providers/aws_lambda_api.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;
using fuzz::require;
namespace api = autotune::aws_lambda;

namespace {

template <class Value>
const Value* checked(const Result<Value>& result) {
    if (result) return &*result;
    require(result.error().code == Errc::unavailable && !result.error().message.empty(), "refused as no answer of Lambda's, with a reason");
    return nullptr;
}

void require_configuration(const api::Configuration& c) {
    require(nlohmann::json::accept(c.build.rest), "what else makes a version is JSON");
    require(!nests_deeper_than(c.build.rest), "and can be compared");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string body(reinterpret_cast<const char*>(data + 1), size - 1);

    if (const auto* c = checked(api::parse_configuration(body))) require_configuration(*c);
    if (const auto* f = checked(api::parse_function(body))) require_configuration(f->head);
    if (const auto* page = checked(api::parse_versions(body)))
        for (const auto& c : page->items) require_configuration(c);
    (void)checked(api::parse_functions(body));
    (void)checked(api::parse_aliases(body));
    (void)checked(api::parse_alias(body));
    (void)checked(api::parse_layer_version(body));
    (void)checked(api::parse_layer_versions(body));
    (void)checked(api::parse_concurrency(body));
    (void)checked(api::parse_provisioned(body));
    (void)checked(api::parse_observations(body, "aws-lambda"));

    net::HttpResponse response{.status = data[0] * 2 + 100, .headers = {}, .body = body};
    response.headers.set("X-Amzn-ErrorType", body.substr(0, 64));
    response.headers.set("X-Amz-Log-Result", body);
    require(!api::error_of(response).message.empty(), "an error says what it is");
    (void)checked(api::parse_answer(response));
    return 0;
}
