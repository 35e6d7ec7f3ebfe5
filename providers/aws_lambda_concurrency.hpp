// Lambda's two numbers of environments, which are of no version: reserved concurrency of a function, provisioned concurrency of
// an alias. A call of the platform each; errors are the channel's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/function.hpp"
#include "core/result.hpp"
#include "providers/aws_lambda_channel.hpp"

namespace autotune::aws_lambda {

// nullopt: there is none; it is taken away.
[[nodiscard]] Result<std::optional<std::uint32_t>> reserved_concurrency(AwsLambdaChannel& channel, const std::string& function);
[[nodiscard]] Status reserve_concurrency(AwsLambdaChannel& channel, const std::string& function, std::optional<std::uint32_t> limit);

[[nodiscard]] Result<std::optional<Warm>> provisioned_concurrency(AwsLambdaChannel& channel, const std::string& function,
                                                                  const Qualifier& alias);
[[nodiscard]] Status provision_concurrency(AwsLambdaChannel& channel, const std::string& function, const Qualifier& alias,
                                           std::optional<std::uint32_t> wanted);

}  // namespace autotune::aws_lambda
