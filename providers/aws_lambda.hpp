// AwsLambda: the Provider for AWS Lambda and for the embedded host, which speaks its API.
//
// Speaks the control API of 2015-03-31 over one kept-alive connection, signed with SigV4. Every change
// carries the RevisionId it was decided on. Throttled calls (429) are tried again here, a few times and
// for at most two seconds; everything else is told to the caller: 404 not_found, 409 and 412 conflict,
// 429 resource_exhausted, 400 and 413 invalid_argument, 401 and 403 permission_denied, 5xx unavailable.
// observe() asks the embedded host; Lambda itself is not asked, since it has no such call.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/provider.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "net/http.hpp"

namespace autotune {

struct AwsLambdaOptions {
    std::string endpoint;  // "http://127.0.0.1:9000", "https://lambda.eu-west-1.amazonaws.com"
    std::string region;
    std::string access_key;  // empty: requests are not signed (the embedded host takes them)
    std::string secret_key;
    std::string session_token;
    std::string role;  // execution role of functions that deploy() creates
    // Longest wait for an update to be complete; then timed_out, and whoever asked looks again later.
    Nanos configure_limit = std::chrono::seconds(2);
    // True: nothing more is sent, and what waits for an answer ends within about a second (unavailable, timed_out).
    std::function<bool()> give_up = {};
};

// AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AUTOTUNE_LAMBDA_ROLE. Profiles and instance roles are not
// read. Errors: invalid_argument, naming the variable that is missing; never a value.
[[nodiscard]] Result<AwsLambdaOptions> options_from_environment();
// The same from any lookup (nullptr: not set), which tests give.
[[nodiscard]] Result<AwsLambdaOptions> options_from(const std::function<const char*(const char*)>& variable);

class AwsLambda final : public Provider {
public:
    // One request to the endpoint and its answer; what HttpClient does unless a test says otherwise.
    using Exchange = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;

    AwsLambda(AwsLambdaOptions options, const Clock& clock);
    // `pause` waits between attempts and polls.
    AwsLambda(AwsLambdaOptions options, const Clock& clock, Exchange exchange,
              std::function<void(Nanos)> pause);
    ~AwsLambda() override;

    [[nodiscard]] std::string_view name() const override { return "aws-lambda"; }
    [[nodiscard]] Capabilities capabilities() const override;
    Result<std::vector<FunctionRef>> list() override;
    Result<FunctionState> get(const FunctionRef& function) override;
    Result<Package> package(const FunctionRef&, const Version& version) override;
    [[nodiscard]] std::string hash_of(std::string_view zip) const override;  // SHA-256, base64
    // `expected` empty: creates the function; otherwise new code, and what `package` configures.
    Result<FunctionState> deploy(const FunctionRef&, const Package&, const Etag& expected) override;
    Result<FunctionState> configure(const FunctionRef&, const ConfigDelta&, const Etag& expected) override;
    Result<std::string> provide_layer(const Layer& layer) override;
    Result<Version> publish(const FunctionRef&, const Etag& expected) override;
    Result<Routing> route(const FunctionRef&, const Routing& routing) override;
    Status set_lease(const FunctionRef&, const std::string& text) override;  // the tag autotune:lease
    Result<Answer> invoke(const FunctionRef&, const Qualifier&, std::string_view payload) override;
    Status remove(const FunctionRef&) override;
    Result<Observations> observe(std::string_view after) override;
    Result<std::optional<std::uint32_t>> reserved(const FunctionRef&) override;
    Status reserve(const FunctionRef&, std::optional<std::uint32_t>) override;
    Result<std::optional<Warm>> kept_warm(const FunctionRef&, const Qualifier& alias) override;
    Status keep_warm(const FunctionRef&, const Qualifier& alias, std::optional<std::uint32_t>) override;
    [[nodiscard]] std::vector<std::string> preview(const Change& change, const FunctionState& state,
                                                   const CanaryPolicy* canary) const override;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune
