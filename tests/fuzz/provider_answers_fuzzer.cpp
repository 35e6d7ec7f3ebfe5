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

template <class Value, class Look>
void check(const Result<Value>& result, Look look) {
    if (result) return look(*result);
    require(result.error().code == Errc::unavailable && !result.error().message.empty(), "refused as no answer of Lambda's, with a reason");
}
constexpr auto kAnything = [](const auto&) {};

void require_configuration(const api::Configuration& c) {
    require(nlohmann::json::accept(c.build.rest), "what else makes a version is JSON");
    require(!nests_deeper_than(c.build.rest), "and can be compared");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string body(reinterpret_cast<const char*>(data + 1), size - 1);

    check(api::parse_configuration(body), require_configuration);
    check(api::parse_function(body), [](const api::Function& f) { require_configuration(f.head); });
    check(api::parse_versions(body), [](const auto& page) {
        for (const api::Configuration& c : page.items) require_configuration(c);
    });
    check(api::parse_functions(body), kAnything);
    check(api::parse_aliases(body), kAnything);
    check(api::parse_alias(body), kAnything);
    check(api::parse_layer_version(body), kAnything);
    check(api::parse_layer_versions(body), kAnything);
    check(api::parse_concurrency(body), kAnything);
    check(api::parse_provisioned(body), kAnything);
    check(api::parse_observations(body, "aws-lambda"), kAnything);

    net::HttpResponse response{.status = data[0] * 2 + 100, .headers = {}, .body = body};
    response.headers.set("X-Amzn-ErrorType", body.substr(0, 64));
    response.headers.set("X-Amz-Log-Result", body);
    require(!api::error_of(response).message.empty(), "an error says what it is");
    check(api::parse_answer(response), kAnything);
    return 0;
}
