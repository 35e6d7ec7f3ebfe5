// The search for whose calls are whose, in one service made up here.
#include "analyzer/topology/requests/serving_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

namespace autotune::analysis {
namespace {

// Three hundred calls that overlap by dozens, each of which makes some of four or seven kinds of calls after
// gaps of its own.
ServiceCalls crowd(unsigned seed) {
    std::mt19937 source(seed);
    const auto gap = [&](double typical) {
        return std::lognormal_distribution<double>(std::log(typical), 0.4)(source);
    };
    const auto exponential = [&](double mean) {
        return std::exponential_distribution<double>(1 / mean)(source);
    };
    const auto happens = [&](double share) {
        return std::uniform_real_distribution<double>(0, 1)(source) < share;
    };
    ServiceCalls calls;
    calls.kinds = 1, calls.types = seed % 2 ? 4 : 7;
    double at = 0;
    for (int i = 0; i < 300; ++i) {
        at += exponential(calls.types == 4 ? 60 : 150);
        double then = at;
        for (std::uint32_t type = 0; type < calls.types; ++type) {
            if (happens(0.2)) continue;
            const double start = then + gap(100 + 50 * type);
            then = start + exponential(300);
            calls.outgoing.push_back({start, then, type});
        }
        calls.incoming.push_back({at, then + gap(80), 0, 0, 0, 0});
    }
    std::sort(calls.outgoing.begin(), calls.outgoing.end(),
              [](const Outgoing& a, const Outgoing& b) { return a.start < b.start; });
    return calls;
}

// What was looked at is not looked at again: nothing better may be left by that. (Of seeds whose search ends
// by itself, not by its bound of rounds.)
TEST(ServingSearch, LeavesNothingBetterThatItWouldFindByLookingAtAllOnceMore) {
    for (const unsigned seed : {1u, 6u, 8u}) {
        const ServiceCalls calls = crowd(seed);
        ServingSearch search(calls, 1);
        ServingModel model;
        search.guess();
        search.learn(model, 0.02, false);
        const auto guessed = search.parents();
        search.improve(model);
        const auto found = search.parents();
        EXPECT_FALSE(found == guessed);
        ServingSearch again(calls, 1);
        again.set_parents(found);
        again.improve(model);
        EXPECT_TRUE(again.parents() == found) << seed;
    }
}

}  // namespace
}  // namespace autotune::analysis
