#include "rules/canary/sign_test.hpp"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace autotune::rules {

namespace {

// Extreme evidence underflows to 0 or stays inaccurate in its last digits: both are fine, neither throws.
namespace bmp = boost::math::policies;
using Quiet = bmp::policy<bmp::domain_error<bmp::ignore_error>, bmp::pole_error<bmp::ignore_error>,
                          bmp::overflow_error<bmp::ignore_error>, bmp::underflow_error<bmp::ignore_error>,
                          bmp::evaluation_error<bmp::ignore_error>>;

}  // namespace

double log_sign_evidence(std::uint64_t s, std::uint64_t n) {
    if (n == 0) return 0;
    const double a = static_cast<double>(s) + 1, b = static_cast<double>(n - s) + 1;
    const double below_half = boost::math::ibeta(a, b, 0.5, Quiet());
    if (!(below_half > 0)) return kLeastLogEvidence;
    const double log_beta = boost::math::lgamma(a, Quiet()) + boost::math::lgamma(b, Quiet()) -
                            boost::math::lgamma(a + b, Quiet());
    const double evidence = (static_cast<double>(n) + 1) * std::log(2.0) + log_beta + std::log(below_half);
    return std::max(evidence, kLeastLogEvidence);
}

}  // namespace autotune::rules
