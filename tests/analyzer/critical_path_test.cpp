// Critical paths, against answers worked out by hand, and properties that hold for any.
#include "analyzer/topology/critical_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace autotune::analysis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Works and calls by hand; names are one letter each.
class Forest {
public:
    std::uint32_t work(char who, std::int64_t start, std::int64_t end, PathOrigin origin = PathOrigin::outside) {
        forest.works.push_back({.service = number(who), .kind = number(who), .start = start, .end = end, .origin = origin,
                                .id = std::to_string(forest.works.size())});
        return static_cast<std::uint32_t>(forest.works.size() - 1);
    }
    // A call of which nobody saw what was done for it.
    void call(std::uint32_t parent, char whom, std::int64_t start, std::int64_t end) {
        forest.calls.push_back({.parent = parent, .service = number(whom), .start = start, .end = end});
    }
    // One that was served from `from` to `to`.
    std::uint32_t call(std::uint32_t parent, char whom, std::int64_t start, std::int64_t end, std::int64_t from, std::int64_t to) {
        call(parent, whom, start, end);
        const std::uint32_t child = work(whom, from, to, PathOrigin::waited);
        forest.calls.back().child = child;
        return child;
    }
    [[nodiscard]] CriticalPaths paths(const CriticalPathOptions& options = {}) const { return critical_paths(forest, options); }

    PathForest forest;

private:
    std::uint32_t number(char who) {
        const std::string name(1, who);
        auto at = std::ranges::find(forest.names, name);
        if (at == forest.names.end()) {
            forest.names.push_back(name), forest.kinds.push_back(name);
            at = forest.names.end() - 1;
        }
        return static_cast<std::uint32_t>(at - forest.names.begin());
    }
};

// "a own 50 between 0 saves 5"
std::vector<std::string> shares(const CriticalPaths& p, std::size_t group = 0) {
    std::vector<std::string> out;
    for (const PathShare& s : p.groups.at(group).shares)
        out.push_back(p.names[s.service] + " own " + std::to_string(s.own_ns) + " between " + std::to_string(s.between_ns) + " saves " +
                      std::to_string(s.saves_ns));
    return out;
}

// "a 0+10", "~b 10+5" between, two blanks a level
std::vector<std::string> steps(const CriticalPaths& p, std::size_t request = 0) {
    std::vector<std::string> out;
    for (const PathStep& s : p.slowest.at(request).steps)
        out.push_back(std::string(2 * s.depth, ' ') + (s.between ? "~" : "") + p.names[s.service] + " " + std::to_string(s.at_ns) + "+" +
                      std::to_string(s.ns));
    return out;
}

TEST(CriticalPath, OfAWorkThatCallsNobodyIsItself) {
    Forest f;
    f.work('a', 100, 200);
    const CriticalPaths p = f.paths();
    EXPECT_THAT(shares(p), ElementsAre("a own 100 between 0 saves 10"));
    EXPECT_THAT(steps(p), ElementsAre("a 0+100"));
}

TEST(CriticalPath, CallsInSeriesAreAllOnIt) {
    Forest f;
    const auto a = f.work('a', 0, 1'000);
    f.call(a, 'b', 100, 400);
    f.call(a, 'c', 500, 900);
    const CriticalPaths p = f.paths();
    EXPECT_THAT(steps(p), ElementsAre("a 0+100", "  b 100+300", "a 400+100", "  c 500+400", "a 900+100"));
    EXPECT_THAT(shares(p), ElementsAre("c own 400 between 0 saves 40", "a own 300 between 0 saves 30", "b own 300 between 0 saves 30"));
}

TEST(CriticalPath, OfCallsAtOnceTheLastToEndIsOnIt) {
    Forest f;
    const auto a = f.work('a', 0, 1'000);
    f.call(a, 'b', 100, 900);
    f.call(a, 'c', 150, 870);
    const CriticalPaths p = f.paths();
    EXPECT_THAT(steps(p), ElementsAre("a 0+100", "  b 100+800", "a 900+100"));
    // b would be 80 faster, and end at 820: then c, at 870, is what is waited for. A faster c saves nothing, and is on no path. A
    // faster a: b begins at 90, the end is 90 after it.
    EXPECT_THAT(shares(p), ElementsAre("b own 800 between 0 saves 30", "a own 200 between 0 saves 20"));
    ASSERT_EQ(p.edges.size(), 2u);
    EXPECT_EQ(p.edges[0].on_path, 1u);
    EXPECT_EQ(p.edges[1].on_path, 0u);
    EXPECT_EQ(p.edges[1].calls, 1u);
}

TEST(CriticalPath, WhatACallWaitedForIsWhatHadEndedWhenItBegan) {
    Forest f;
    const auto a = f.work('a', 0, 100);
    f.call(a, 'b', 10, 40);
    f.call(a, 'c', 10, 30);
    f.call(a, 'd', 50, 90);  // after b and c
    f.call(a, 'e', 35, 60);  // beside d, after c
    EXPECT_THAT(steps(f.paths()), ElementsAre("a 0+10", "  b 10+30", "a 40+10", "  d 50+40", "a 90+10"));
}

TEST(CriticalPath, GoesIntoWhatWasCalledAndTellsTheWayApart) {
    Forest f;
    const auto a = f.work('a', 0, 100);
    // The callee's clock is an hour ahead: only lengths count.
    const auto b = f.call(a, 'b', 20, 80, 3'600'000, 3'600'040);
    f.call(b, 'c', 3'600'010, 3'600'030);
    const CriticalPaths p = f.paths();
    EXPECT_THAT(steps(p), ElementsAre("a 0+20", "  ~b 20+10", "  b 30+10", "    c 40+20", "  b 60+10", "  ~b 70+10", "a 80+20"));
    EXPECT_THAT(shares(p), ElementsAre("a own 40 between 0 saves 4", "b own 20 between 20 saves 2", "c own 20 between 0 saves 2"));
}

TEST(CriticalPath, AsynchronousWorkIsOnNoPathAndToldApart) {
    Forest f;
    const auto a = f.work('a', 0, 100);
    f.call(a, 'q', 20, 130);  // goes on after the answer
    f.call(a, 'm', 40, 50);   // is answered at once, and what it asked for goes on
    f.forest.calls.back().longer = 400;
    f.work('m', 45, 450, PathOrigin::detached);
    const CriticalPaths p = f.paths();
    EXPECT_THAT(steps(p), ElementsAre("a 0+40", "  m 40+10", "a 50+50"));
    ASSERT_EQ(p.groups.size(), 2u);
    EXPECT_FALSE(p.groups[0].detached);
    EXPECT_TRUE(p.groups[1].detached);
    EXPECT_THAT(shares(p, 1), ElementsAre("m own 405 between 0 saves 40"));
    EXPECT_EQ(p.slowest.size(), 1u);
    ASSERT_EQ(p.edges.size(), 2u);
    EXPECT_EQ(p.edges[0].not_waited, 1u);
    EXPECT_EQ(p.edges[0].longer_ns, 30);
    EXPECT_EQ(p.edges[0].on_path, 0u);
    EXPECT_EQ(p.edges[1].not_waited, 1u);
    EXPECT_EQ(p.edges[1].longer_ns, 400);
    EXPECT_EQ(p.edges[1].on_path, 1u);
}

TEST(CriticalPath, AddsUpRequestsOfOneKind) {
    Forest f;
    for (std::int64_t i = 1; i <= 100; ++i) {
        const auto a = f.work('a', 1'000 * i, 1'000 * i + 10 * i);
        f.call(a, 'b', 1'000 * i + i, 1'000 * i + 9 * i);
    }
    f.work('z', 0, 7);
    const CriticalPaths p = f.paths({.slowest = 2});
    ASSERT_EQ(p.groups.size(), 2u);
    const PathGroup& g = p.groups[0];
    EXPECT_EQ(g.what, "a");
    EXPECT_EQ(g.requests, 100u);
    EXPECT_EQ(g.total_ns, 50'500);
    EXPECT_EQ(g.p50_ns, 500);
    EXPECT_EQ(g.p95_ns, 950);
    EXPECT_EQ(g.p99_ns, 990);
    EXPECT_EQ(g.shares[0].own_ns, 8 * 5'050);
    EXPECT_EQ(g.shares[0].requests, 100u);
    ASSERT_EQ(p.slowest.size(), 2u);
    EXPECT_EQ(p.slowest[0].ns, 1'000);
    EXPECT_EQ(p.slowest[1].ns, 990);
}

TEST(CriticalPath, WhatIsOpenOrOfUnknownOriginIsCountedAndInNoGroup) {
    Forest f;
    f.work('a', 0, 10);
    f.forest.works.back().open = true;
    f.work('b', 0, 10, PathOrigin::unknown);
    f.forest.not_kept = 3;
    const CriticalPaths p = f.paths();
    EXPECT_THAT(p.groups, IsEmpty());
    EXPECT_EQ(p.open, 1u);
    EXPECT_EQ(p.unknown, 1u);
    EXPECT_EQ(p.not_kept, 3u);
    EXPECT_THAT(Forest().paths().groups, IsEmpty());
}

TEST(CriticalPath, EndsWhereAWorkIsItsOwnAncestor) {
    Forest f;
    const auto a = f.work('a', 0, 10, PathOrigin::waited), b = f.work('b', 0, 10, PathOrigin::waited);
    f.forest.calls.push_back({.parent = a, .child = b, .service = 1, .start = 0, .end = 10});
    f.forest.calls.push_back({.parent = b, .child = a, .service = 0, .start = 0, .end = 10});
    EXPECT_THAT(f.paths().groups, IsEmpty());
}

TEST(CriticalPath, TellsThatARequestIsCutAndWhatWasNotAsked) {
    Forest f;
    const auto a = f.work('a', 0, 100);
    f.call(a, 'b', 10, 40);
    const CriticalPaths p = f.paths({.steps = 2, .asked = 1});
    EXPECT_THAT(steps(p), ElementsAre("a 0+10", "  b 10+30"));
    EXPECT_TRUE(p.slowest[0].cut);
    EXPECT_TRUE(p.groups[0].shares[0].asked);   // a: 70
    EXPECT_FALSE(p.groups[0].shares[1].asked);
}

// Trees of any shape, with equal times, empty calls, calls that nobody waited for.
TEST(CriticalPath, AlwaysAddsUpAndNeverPromisesMoreThanATenthOfWhatIsOnIt) {
    std::mt19937 random(11);
    const auto upto = [&](std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(0, most)(random); };
    for (int round = 0; round < 2'000; ++round) {
        Forest f;
        f.work('a', 0, 20 + upto(200));
        for (std::uint32_t w = 0; w < f.forest.works.size() && f.forest.works.size() < 30; ++w) {
            for (auto calls = upto(5); calls > 0; --calls) {
                const auto from = f.forest.works[w].start, till = f.forest.works[w].end;
                const auto start = from + upto(till - from), end = start + upto(till + 5 - start);
                const char whom = static_cast<char>('a' + upto(4));
                const auto length = upto(end - start), skew = upto(1'000);
                if (upto(2) == 0)
                    f.call(w, whom, start, end);
                else
                    f.call(w, whom, start, end, skew, skew + length);
            }
        }
        const CriticalPaths p = f.paths();
        ASSERT_EQ(p.groups.size(), 1u);
        std::int64_t sum = 0, at = 0;
        for (const PathShare& s : p.groups[0].shares) {
            sum += s.own_ns + s.between_ns;
            EXPECT_TRUE(s.asked);
            EXPECT_GE(s.saves_ns, 0);
            EXPECT_LE(s.saves_ns, s.own_ns / 10) << round;
        }
        ASSERT_EQ(sum, p.groups[0].total_ns) << round;
        for (const PathStep& s : p.slowest.at(0).steps) {
            ASSERT_EQ(s.at_ns, at) << round;
            at += s.ns;
        }
        ASSERT_EQ(at, p.slowest[0].ns);
    }
}

}  // namespace
}  // namespace autotune::analysis
