// AwsLambdaChannel: signs a request, sends it, and tries again when Lambda says "too many requests".
// For this room only. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "net/http.hpp"
#include "providers/aws_lambda.hpp"

namespace autotune {

// Whether a throttled request is tried again here.
enum class WhenThrottled : std::uint8_t { wait, tell };

class AwsLambdaChannel {
public:
    // REQUIRES: options and clock outlive it.
    AwsLambdaChannel(const AwsLambdaOptions& options, const Clock& clock, AwsLambda::Exchange exchange,
                     std::function<void(Nanos)> pause);

    // The answer when it is a 2xx; otherwise the error that the answer means, with `doing` in front.
    Result<net::HttpResponse> send(const net::HttpRequest& request, std::string_view doing,
                                   WhenThrottled throttled = WhenThrottled::wait);
    void pause(Nanos time) { pause_(time); }

private:
    const AwsLambdaOptions& options_;
    const Clock& clock_;
    std::string host_;
    AwsLambda::Exchange exchange_;
    std::function<void(Nanos)> pause_;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace autotune
