// ScriptedLambda: answers requests from a script, in order, and keeps what was asked. An adapter made
// by it talks to it instead of a network, and does not wait.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "fakes.hpp"
#include "providers/aws_lambda.hpp"

namespace autotune::test {

class ScriptedLambda {
public:
    ScriptedLambda& answers(int status, std::string body, net::Headers headers = {}) {
        script_.emplace_back(net::HttpResponse{status, std::move(headers), std::move(body)});
        return *this;
    }
    ScriptedLambda& fails(Errc code, std::string message) {
        script_.emplace_back(fail(code, std::move(message)));
        return *this;
    }

    [[nodiscard]] AwsLambda adapter(AwsLambdaOptions options = {.endpoint = "http://127.0.0.1:9000",
                                                                .region = "eu-west-1",
                                                                .role = "arn:aws:iam::000000000000:role/r"}) {
        return AwsLambda(
            std::move(options), clock_,
            [this](const net::HttpRequest& request) -> Result<net::HttpResponse> {
                requests.push_back(request);
                if (script_.empty()) return fail(Errc::internal, "the script is over: " + request.target);
                Result<net::HttpResponse> answer = std::move(script_.front());
                script_.pop_front();
                return answer;
            },
            [this](Nanos time) { waits.push_back(time); });
    }
    [[nodiscard]] bool over() const { return script_.empty(); }

    // "PUT /2015-03-31/functions/orders/configuration {…}"
    [[nodiscard]] std::vector<std::string> asked() const {
        std::vector<std::string> lines;
        for (const auto& r : requests) {
            EXPECT_TRUE(r.target.starts_with("/2015-03-31/functions")) << r.target;
            lines.push_back(r.method + " " + r.target.substr(21) + (r.body.empty() ? "" : " " + r.body));
        }
        return lines;
    }

    std::vector<net::HttpRequest> requests;
    std::vector<Nanos> waits;

private:
    FakeClock clock_;
    std::deque<Result<net::HttpResponse>> script_;
};

}  // namespace autotune::test
