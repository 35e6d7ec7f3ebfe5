#include "providers/aws_lambda_concurrency.hpp"

#include "providers/aws_lambda_api.hpp"

namespace autotune::aws_lambda {

namespace {

bool none_provisioned(const Result<net::HttpResponse>& response) {
    return !response && response.error().code == Errc::not_found &&
           response.error().message.find(kNoneProvisioned) != std::string::npos;
}

}  // namespace

Result<std::optional<std::uint32_t>> reserved_concurrency(AwsLambdaChannel& channel, const std::string& function) {
    const std::string doing = "reading the reserved concurrency of " + function;
    const auto response = channel.send(get_concurrency(function), doing);
    if (!response) return response.forward();
    auto limit = parse_concurrency(response->body);
    if (!limit) return limit.forward(doing);
    return limit;
}

Status reserve_concurrency(AwsLambdaChannel& channel, const std::string& function, std::optional<std::uint32_t> limit) {
    const auto response = channel.send(set_concurrency(function, limit), "reserving concurrency for " + function);
    return response ? ok() : Status(response.forward());
}

Result<std::optional<Warm>> provisioned_concurrency(AwsLambdaChannel& channel, const std::string& function, const Qualifier& alias) {
    const std::string doing = "reading what is kept warm of " + function + ":" + alias;
    const auto response = channel.send(get_provisioned(function, alias), doing);
    if (none_provisioned(response)) return std::optional<Warm>();
    if (!response) return response.forward();
    auto kept = parse_provisioned(response->body);
    if (!kept) return kept.forward(doing);
    return std::optional(*std::move(kept));
}

Status provision_concurrency(AwsLambdaChannel& channel, const std::string& function, const Qualifier& alias,
                             std::optional<std::uint32_t> wanted) {
    const auto response = channel.send(set_provisioned(function, alias, wanted), "keeping " + function + ":" + alias + " warm");
    if (!wanted && none_provisioned(response)) return ok();
    return response ? ok() : Status(response.forward());
}

}  // namespace autotune::aws_lambda
