#include <cstdlib>

#include "net/url.hpp"
#include "providers/aws_lambda.hpp"

namespace autotune {

Result<AwsLambdaOptions> options_from(const std::function<const char*(const char*)>& variable) {
    const auto first_of = [&](std::initializer_list<const char*> names) -> std::string {
        for (const char* name : names)
            if (const char* value = variable(name); value != nullptr && *value != '\0') return value;
        return {};
    };
    AwsLambdaOptions options;
    options.endpoint = first_of({"AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"});
    options.region = first_of({"AWS_REGION", "AWS_DEFAULT_REGION"});
    options.access_key = first_of({"AWS_ACCESS_KEY_ID"});
    options.secret_key = first_of({"AWS_SECRET_ACCESS_KEY"});
    options.session_token = first_of({"AWS_SESSION_TOKEN"});
    options.role = first_of({"AUTOTUNE_LAMBDA_ROLE"});

    if (options.access_key.empty() != options.secret_key.empty())
        return fail(Errc::invalid_argument,
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together; only one of them is set");
    if (options.endpoint.empty()) {
        if (options.region.empty())
            return fail(Errc::invalid_argument,
                        "neither AWS_REGION nor AWS_ENDPOINT_URL_LAMBDA is set: which Lambda is meant?");
        if (options.access_key.empty())
            return fail(Errc::invalid_argument,
                        "AWS_ACCESS_KEY_ID is not set, and AWS takes signed requests only");
        options.endpoint = "https://lambda." + options.region + ".amazonaws.com";
    } else if (const auto url = net::parse_url(options.endpoint); !url) {
        return url.forward("endpoint " + options.endpoint);
    }
    if (options.region.empty()) options.region = "us-east-1";
    return options;
}

Result<AwsLambdaOptions> options_from_environment() {
    return options_from([](const char* name) { return std::getenv(name); });
}

}  // namespace autotune
