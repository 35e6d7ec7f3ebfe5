#include "providers/aws_lambda_channel.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/retry.hpp"
#include "net/sigv4.hpp"
#include "net/url.hpp"
#include "providers/aws_lambda_api.hpp"

namespace autotune {

namespace {
constexpr net::RetryPolicy kThrottled{
    .base = std::chrono::milliseconds(50), .cap = std::chrono::milliseconds(800), .attempts = 4};
// Longer waits are the caller's business: it has other things to do meanwhile.
constexpr Nanos kLongestWait = std::chrono::seconds(2);

// "host:port" as the Host field says it: without the scheme's own port.
std::string host_of(const std::string& endpoint) {
    const auto url = net::parse_url(endpoint);
    if (!url) return endpoint;
    const std::string host = url->host.find(':') == std::string::npos ? url->host : "[" + url->host + "]";
    const bool usual = url->port == (url->scheme == "https" ? 443 : 80);
    return usual ? host : host + ":" + std::to_string(url->port);
}

// Retry-After in seconds; the form with a date is not used by Lambda.
std::optional<Nanos> asked_wait(const net::HttpResponse& response) {
    const std::string_view text = response.headers.get("Retry-After");
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return std::chrono::seconds(seconds);
}
}  // namespace

AwsLambdaChannel::AwsLambdaChannel(const AwsLambdaOptions& options, const Clock& clock,
                                   AwsLambda::Exchange exchange, std::function<void(Nanos)> pause)
    : options_(options),
      clock_(clock),
      host_(host_of(options.endpoint)),
      exchange_(std::move(exchange)),
      pause_(std::move(pause)) {}

Result<net::HttpResponse> AwsLambdaChannel::send(const net::HttpRequest& request, std::string_view doing,
                                                 WhenThrottled throttled) {
    Nanos waited{0};
    for (unsigned attempt = 0;; ++attempt) {
        net::HttpRequest signed_request = request;
        if (!options_.access_key.empty()) {
            const Status done = net::sign_sigv4(
                signed_request, host_, {options_.access_key, options_.secret_key, options_.session_token},
                {.region = options_.region, .service = "lambda", .at = clock_.wall()});
            if (!done) return done.forward(doing);
        }
        auto response = exchange_(signed_request);
        if (!response) return response.forward(doing);
        if (response->status >= 200 && response->status < 300) return response;

        const Error error = aws_lambda::error_of(*response).with_context(doing);
        if (error.code != Errc::resource_exhausted || throttled == WhenThrottled::tell ||
            attempt + 1 >= kThrottled.attempts)
            return unexpected(error);
        const double random = std::uniform_real_distribution<double>(0, 1)(random_);
        const Nanos wait =
            std::max(net::backoff(kThrottled, attempt, random), asked_wait(*response).value_or(Nanos(0)));
        if (waited + wait > kLongestWait) return unexpected(error);
        pause_(wait);
        waited += wait;
    }
}

}  // namespace autotune
