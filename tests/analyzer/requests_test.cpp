// Requests made up here, whose parents are known, and what is found of them; the measured ones where they
// are.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "analyzer/topology/requests/reconstructor.hpp"

namespace autotune::analysis {
namespace {

constexpr std::uint32_t kNobody = ServiceCall::kNone;

// A world of services that serve requests; times in microseconds.
class World {
public:
    explicit World(unsigned seed = 1) : source_(seed) {}

    double gap(double typical) {
        return std::lognormal_distribution<double>(std::log(typical), 0.4)(source_);
    }
    double between(double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(source_);
    }
    double exponential(double mean) { return std::exponential_distribution<double>(1 / mean)(source_); }

    // Returns the number of the call.
    std::size_t call(std::uint32_t caller, std::uint32_t callee, double start, double end,
                     const std::string& parent) {
        ServiceCall c;
        c.id = std::to_string(calls.size());
        c.caller = caller, c.callee = callee, c.endpoint = callee;
        c.callee_start = std::llround(start * 1000), c.callee_end = std::llround(end * 1000);
        truth[c.id] = parent;
        calls.push_back(c);
        return calls.size() - 1;
    }
    // Id that the next call will have.
    [[nodiscard]] std::string next() const { return std::to_string(calls.size()); }

    std::vector<CallParent> found(ReconstructorOptions options = {}) {
        std::vector<ServiceCall> sorted = calls;
        std::sort(sorted.begin(), sorted.end(),
                  [](const ServiceCall& a, const ServiceCall& b) { return a.callee_start < b.callee_start; });
        Reconstructor reconstructor(options);
        std::vector<CallParent> out;
        for (const ServiceCall& c : sorted) reconstructor.add(c, out);
        reconstructor.finish(out);
        counters = reconstructor.counters();
        return out;
    }
    // Share of calls given to the right one, roots apart.
    double right(const std::vector<CallParent>& found) const {
        double n = 0, good = 0;
        for (const CallParent& f : found)
            if (f.caller != kNobody) n += 1, good += f.parent == truth.at(f.id);
        return good / n;
    }

    std::vector<ServiceCall> calls;
    std::map<std::string, std::string> truth;
    ReconstructorCounters counters;

private:
    std::mt19937 source_;
};

// 0 calls 1, then 2; 1 calls 3.
void in_series(World& w, double at) {
    const std::string root = w.next();
    const std::size_t number = w.call(kNobody, 0, at, at, "");
    const double one = at + w.gap(200);
    const std::string middle = w.next();
    const std::size_t of_middle = w.call(0, 1, one, one, root);
    const double store = one + w.gap(150), stored = store + w.gap(900);
    w.call(1, 3, store, stored, middle);
    const double one_end = stored + w.gap(100), two = one_end + w.gap(80), two_end = two + w.gap(700);
    w.call(0, 2, two, two_end, root);
    w.calls[of_middle].callee_end = std::llround(one_end * 1000);
    w.calls[number].callee_end = std::llround((two_end + w.gap(120)) * 1000);
}

World busy(double every, int requests, unsigned seed = 1) {
    World w(seed);
    double at = 1e6;
    for (int i = 0; i < requests; ++i) in_series(w, at += w.exponential(every));
    return w;
}

TEST(Reconstructor, GivesCallsThatDoNotOverlapToTheOnlyOnes) {
    World w;
    for (int i = 0; i < 50; ++i) in_series(w, i * 100'000.0);
    const auto found = w.found();
    ASSERT_EQ(found.size(), w.calls.size());
    EXPECT_EQ(w.right(found), 1.0);
    for (const CallParent& f : found) EXPECT_EQ(f.confidence, 1.0f);
}

TEST(Reconstructor, TellsEveryCallOnceAndRootsWithoutAParent) {
    World w = busy(1'000, 500);
    std::set<std::string> ids;
    for (const CallParent& f : w.found()) {
        EXPECT_TRUE(ids.insert(f.id).second);
        EXPECT_EQ(f.caller == kNobody, f.parent.empty());
        EXPECT_GE(f.confidence, 0);
        EXPECT_LE(f.confidence, 1);
    }
    EXPECT_EQ(ids.size(), w.calls.size());
    EXPECT_EQ(w.counters.roots, 500u);
    EXPECT_EQ(w.counters.orphans, 0u);
}

TEST(Reconstructor, TellsRequestsApartThatOverlap) {
    World w = busy(1'000, 2'000);  // two or three at a time
    EXPECT_GT(w.right(w.found()), 0.97);
}

TEST(Reconstructor, IsSurerOfWhatIsRightThanOfWhatIsWrong) {
    World w = busy(300, 3'000);  // eight at a time
    double sure_of_right = 0, right = 0, sure_of_wrong = 0, wrong = 0;
    for (const CallParent& f : w.found()) {
        if (f.caller == kNobody) continue;
        if (f.parent == w.truth[f.id])
            sure_of_right += f.confidence, ++right;
        else
            sure_of_wrong += f.confidence, ++wrong;
    }
    ASSERT_GT(wrong, 20);
    EXPECT_GT(sure_of_right / right, 0.9);
    EXPECT_LT(sure_of_wrong / wrong, 0.75);
}

TEST(Reconstructor, FindsTheSameThroughSmallWindowsNearly) {
    World w = busy(1'000, 4'000);
    const double whole = w.right(w.found());
    const auto found = w.found({.window = 2'000});
    EXPECT_EQ(found.size(), w.calls.size());
    EXPECT_GT(w.right(found), whole - 0.01);
    EXPECT_EQ(w.counters.late, 0u);
}

TEST(Reconstructor, ServesAFirstComerFirstWhereTheServiceDoes) {
    // One thread: calls leave in the order in which requests came, with gaps that alone would not tell.
    World w(3);
    double at = 1e6, last = 0, last_end = 0;
    for (int i = 0; i < 1'500; ++i) {
        at += w.exponential(1'500);
        const std::string root = w.next();
        const std::size_t number = w.call(kNobody, 0, at, at, "");
        const double start = last = std::max(last + 5, at + w.between(0, 3'000));
        const double end = last_end = std::max(last_end + 5, start + 1'000);
        w.call(0, 1, start, end, root);
        w.calls[number].callee_end = std::llround((end + 4'000) * 1000);
    }
    EXPECT_GT(w.right(w.found()), 0.99);
}

// 0 calls 1, 2 and 3 at once; each calls 4, and the last that does makes 4 call 5.
void joined(World& w, double at) {
    const std::string root = w.next();
    const std::size_t number = w.call(kNobody, 0, at, at, "");
    struct Branch {
        double start, at_join;
    };
    std::vector<Branch> branches;
    for (int i = 0; i < 3; ++i) {
        const double start = at + w.gap(200);
        branches.push_back({start, start + w.gap(400)});
    }
    std::size_t last = 0;
    for (std::size_t i = 0; i < 3; ++i)
        if (branches[i].at_join > branches[last].at_join) last = i;
    double end = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        const bool calls_on = i == last;
        const double written = branches[i].at_join + w.gap(300), stored = written + 800;
        const double answered = calls_on ? stored + w.gap(150) : written;
        const double done = answered + w.gap(100);
        const std::string branch = w.next();
        w.call(0, 1 + static_cast<std::uint32_t>(i), branches[i].start, done, root);
        const std::string at_join = w.next();
        w.call(1 + static_cast<std::uint32_t>(i), 4, branches[i].at_join, answered, branch);
        if (calls_on) w.call(4, 5, written, stored, at_join);
        end = std::max(end, done);
    }
    w.calls[number].callee_end = std::llround((end + w.gap(100)) * 1000);
}

TEST(Reconstructor, FindsWhichCallOfARequestMadeAJoinGoOn) {
    World w(5);
    double at = 1e6;
    for (int i = 0; i < 1'500; ++i) joined(w, at += w.exponential(4'000));
    EXPECT_GT(w.right(w.found()), 0.97);
}

TEST(Reconstructor, GivesNoParentToWhatBelongsToNothing) {
    World w;
    in_series(w, 1'000);
    w.call(7, 3, 50'000, 60'000, "");  // nothing was being served by 7
    const auto found = w.found();
    EXPECT_EQ(found.back().parent, "");
    EXPECT_EQ(found.back().confidence, 0);
    EXPECT_EQ(w.counters.orphans, 1u);
}

TEST(Reconstructor, CountsWhatComesTooLate) {
    Reconstructor r({.window = 1'000});
    std::vector<CallParent> out;
    ServiceCall c;
    c.callee = 1;
    for (int i = 0; i < 3'000; ++i) {
        c.id = std::to_string(i);
        c.callee_start = 1'000'000LL * i, c.callee_end = c.callee_start + 1;
        r.add(c, out);
    }
    c.id = "late", c.callee_start = 0, c.callee_end = 1, c.caller = 1;
    r.add(c, out);
    r.finish(out);
    EXPECT_EQ(out.size(), 3'001u);
    EXPECT_EQ(r.counters().late, 1u);
}

TEST(Reconstructor, HoldsNoMoreThanItsWindows) {
    // Nothing ever ends: still each call is told in time.
    Reconstructor r({.window = 1'000});
    std::vector<CallParent> out;
    for (int i = 0; i < 20'000; ++i) {
        ServiceCall c;
        c.id = std::to_string(i);
        c.callee = static_cast<std::uint32_t>(i % 2), c.endpoint = c.callee;
        if (i % 2) c.caller = 0;
        c.callee_start = 1'000LL * i, c.callee_end = 1'000'000'000'000;
        r.add(c, out);
        ASSERT_GE(out.size() + 5'000, static_cast<std::size_t>(i));
    }
    EXPECT_GT(r.counters().forgotten, 0u);
    r.finish(out);
    EXPECT_EQ(out.size(), 20'000u);
}

}  // namespace
}  // namespace autotune::analysis
