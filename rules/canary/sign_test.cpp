#include "rules/canary/sign_test.hpp"

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace autotune::rules {

namespace {

// Inaccuracy in the last digits is fine; nothing here throws.
namespace bmp = boost::math::policies;
using Quiet = bmp::policy<bmp::domain_error<bmp::ignore_error>, bmp::pole_error<bmp::ignore_error>,
                          bmp::overflow_error<bmp::ignore_error>, bmp::underflow_error<bmp::ignore_error>,
                          bmp::evaluation_error<bmp::ignore_error>>;

// Here I½ is at least about one half, so its logarithm is accurate.
double by_incomplete_beta(double s, double n) {
    const double a = s + 1, b = n - s + 1;
    const double log_beta = boost::math::lgamma(a, Quiet()) + boost::math::lgamma(b, Quiet()) -
                            boost::math::lgamma(a + b, Quiet());
    return (n + 1) * std::log(2.0) + log_beta + std::log(boost::math::ibeta(a, b, 0.5, Quiet()));
}

// Here I½ would underflow from about n = 1000 on. As a binomial tail E is
// 1/(s+1) · (1 + (n−s)/(s+2) + (n−s)(n−s−1)/((s+2)(s+3)) + …), with terms that only fall.
double by_series(double s, double n) {
    double term = 1, sum = 1;
    for (double j = 0; j < n - s && term > 1e-17 * sum; ++j) sum += term *= (n - s - j) / (s + 2 + j);
    return std::log(sum) - std::log(s + 1);
}

}  // namespace

double log_sign_evidence(std::uint64_t s, std::uint64_t n) {
    if (n == 0) return 0;
    const auto x = static_cast<double>(s), all = static_cast<double>(n);
    return 2 * x < all ? by_incomplete_beta(x, all) : by_series(x, all);
}

}  // namespace autotune::rules
