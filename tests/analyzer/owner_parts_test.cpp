// What the map of owners is made of: functions in paths, histograms of latency.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <vector>

#include "analyzer/owner/lambda_path.hpp"
#include "analyzer/owner/latency_histogram.hpp"
#include "analyzer/percentile.hpp"

namespace autotune {
namespace {

TEST(InvokedFunction, IsReadFromNamesAndArns) {
    using analysis::invoked_function;
    EXPECT_EQ(invoked_function("POST", "/2015-03-31/functions/f/invocations"), "f");
    EXPECT_EQ(invoked_function("POST", "/2015-03-31/functions/f:live/invocations"), "f");
    EXPECT_EQ(invoked_function("POST", "/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:f:3/invocations"), "f");
    EXPECT_EQ(invoked_function("POST", "/2015-03-31/functions/1%3Afunction%3Af%3A3/invocations"), "f");
    EXPECT_EQ(invoked_function("POST", "/2021-11-15/functions/f/response-streaming-invocations"), "f");
    EXPECT_EQ(invoked_function("GET", "/2015-03-31/functions/f/invocations"), "");
    EXPECT_EQ(invoked_function("POST", "/2015-03-31/functions/f/aliases"), "");
    EXPECT_EQ(invoked_function("POST", "/2015-03-31/functions/%"), "");
}

TEST(LatencyHistogram, IsGoodToOnePercent) {
    std::mt19937_64 random(7);
    analysis::LatencyHistogram histogram;
    std::vector<std::int64_t> values;
    std::lognormal_distribution<double> times(14, 2);
    for (int i = 0; i < 20'000; ++i) {
        values.push_back(static_cast<std::int64_t>(times(random)));
        histogram.add(Nanos(values.back()));
    }
    for (const double q : {0.01, 0.5, 0.95, 0.99}) {
        const auto exact = static_cast<double>(*analysis::percentile(std::span(values), q));
        EXPECT_NEAR(static_cast<double>(histogram.percentile(q).count()), exact, exact * 0.01) << q;
    }
    EXPECT_EQ(histogram.largest().count(), *std::ranges::max_element(values));
    EXPECT_EQ(histogram.count(), 20'000u);
    EXPECT_EQ(analysis::LatencyHistogram().percentile(0.5), Nanos(0));
}

}  // namespace
}  // namespace autotune
