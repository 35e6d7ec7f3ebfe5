// What critical paths are made of: from owners' graphs and from calls that were put together.
#include "analyzer/topology/path_forest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/topology/critical_path.hpp"

namespace autotune::analysis {
namespace {

using ::testing::ElementsAre;

Timestamp at(std::int64_t ns) { return Timestamp(Nanos(1'000 + ns)); }

// "a>b 10-40 child 1 longer 0"
std::vector<std::string> calls(const PathForest& f) {
    std::vector<std::string> out;
    for (const PathCall& c : f.calls)
        out.push_back(f.names[f.works[c.parent].service] + ">" + f.names[c.service] + " " + std::to_string(c.start) + "-" +
                      std::to_string(c.end) + " child " + (c.child == PathCall::kNone ? "-" : std::to_string(c.child)) + " longer " +
                      std::to_string(c.longer));
    return out;
}

class OfOwners : public ::testing::Test {
protected:
    OfOwners() {
        g.from = at(0), g.to = at(1'000);
        for (const char* name : {"a", "b", "db"}) g.nodes.push_back({.service = {.name = name}});
    }
    std::size_t work(std::size_t node, std::int64_t from, std::int64_t to, std::size_t asked_by = autotune::kNone) {
        g.works.push_back({.node = node, .start = at(from), .end = at(to), .asked_by = asked_by});
        return g.works.size() - 1;
    }
    void call(std::size_t parent, std::size_t to, std::int64_t from, std::int64_t till, std::size_t child = autotune::kNone,
              std::uint16_t status = 200) {
        g.calls.push_back({.from = 0, .to = to, .start = at(from), .end = at(till), .status = status, .parent = parent, .child = child});
    }
    OwnerGraph g;
};

TEST_F(OfOwners, CallsThatWaitedHaveChildrenAndOthersDoNot) {
    work(0, 0, 100);
    work(1, 15, 35, 0);   // within its call
    work(1, 55, 300, 1);  // was only accepted
    call(0, 1, 10, 40, 1);
    call(0, 1, 50, 60, 2, 202);
    call(0, 2, 70, 80);
    call(autotune::kNone, 2, 75, 85);  // nobody's
    g.calls_not_kept = 7;
    const PathForest f = path_forest(g);
    EXPECT_THAT(calls(f), ElementsAre("a>b 10-40 child 1 longer 0", "a>b 50-60 child - longer 240", "a>db 70-80 child - longer 0"));
    EXPECT_EQ(f.works[0].origin, PathOrigin::outside);
    EXPECT_EQ(f.works[1].origin, PathOrigin::waited);
    EXPECT_EQ(f.works[2].origin, PathOrigin::detached);
    EXPECT_EQ(f.not_kept, 7u);
}

TEST_F(OfOwners, EachRequestHasItsOwnPathAndWhatItWouldSave) {
    work(0, 0, 1'000);
    work(1, 120, 380, 0);    // 20 on the way there, 20 back
    work(0, 0, 500);         // another: of its parallel calls the longer one is waited for
    work(1, 2'000, 2'900);   // its end was not seen
    g.works[3].open = true;
    call(0, 1, 100, 400, 1);
    call(0, 2, 500, 900);
    call(1, 2, 200, 300);
    call(2, 1, 50, 450);
    call(2, 2, 50, 440);
    call(3, 2, 2'100, 2'200);
    const RequestPaths p = request_paths(g);
    EXPECT_THAT(p.calls, ElementsAre(0, 1, 2, 3));
    const auto told = [&](std::size_t work) {
        std::vector<std::string> out;
        for (const RequestShare& s : p.shares[work])
            out.push_back(g.nodes[s.service].service.name + " " + std::to_string(s.own_ns) + " " + std::to_string(s.between_ns) + " saves " +
                          (s.asked ? std::to_string(s.saves_ns) : "?"));
        return out;
    };
    // a: 100 + 100 + 100; db: 400 + 100; b: 80 + 80, and 40 on the way.
    EXPECT_THAT(told(0), ElementsAre("db 500 0 saves 50", "a 300 0 saves 30", "b 160 40 saves 16"));
    EXPECT_THAT(told(1), ElementsAre());  // work 0 waited for it
    // b in nine tenths: 360 instead of 400, but db goes on until 390 after its start.
    EXPECT_THAT(told(2), ElementsAre("b 400 0 saves 10", "a 100 0 saves 10"));
    EXPECT_THAT(told(3), ElementsAre());
}

TEST_F(OfOwners, AnAnswerMayBeReadBeforeItsSenderHasNotedIt) {
    work(0, 0, 100);
    work(1, 9, 43, 0);
    work(1, 55, 64, 1);
    g.works[2].what = "POST /jobs";  // a server's, which answers 202 itself
    call(0, 1, 10, 40, 1);
    call(0, 1, 50, 60, 2, 202);
    const PathForest f = path_forest(g);
    EXPECT_THAT(calls(f), ElementsAre("a>b 10-40 child 1 longer 0", "a>b 50-60 child 2 longer 0"));
    EXPECT_EQ(f.works[1].start, 10);
    EXPECT_EQ(f.works[1].end, 40);
    EXPECT_EQ(f.works[2].end, 60);
}

TEST_F(OfOwners, WhoGaveUpDidNotWait) {
    work(0, 0, 100);
    work(1, 15, 70, 0);
    call(0, 1, 10, 40, 1, 0);
    const PathForest f = path_forest(g);
    EXPECT_THAT(calls(f), ElementsAre("a>b 10-40 child - longer 30"));
    EXPECT_EQ(f.works[1].origin, PathOrigin::detached);
}

TEST_F(OfOwners, ACallBeginsWithItsWorkAtTheEarliest) {
    work(0, 50, 100);
    call(0, 2, 40, 60);
    call(0, 2, 10, 20);
    EXPECT_THAT(calls(path_forest(g)), ElementsAre("a>db 50-60 child - longer 0"));
}

TEST_F(OfOwners, AnOpenWorkIsNobodysChild) {
    work(0, 0, 100);
    work(1, 15, 35, 0);
    g.works[1].open = true;
    call(0, 1, 10, 40, 1);
    const PathForest f = path_forest(g);
    EXPECT_THAT(calls(f), ElementsAre("a>b 10-40 child - longer 0"));
    EXPECT_EQ(critical_paths(f).open, 1u);
}

TEST_F(OfOwners, WhatAskedIsFollowedOnlyWhereBothSidesSaySo) {
    work(0, 0, 100);
    work(1, 15, 35, 5);
    call(0, 1, 10, 40, 1);
    g.works[1].asked_by = autotune::kNone;
    EXPECT_THAT(calls(path_forest(g)), ElementsAre("a>b 10-40 child - longer 0"));
}

class OfCalls : public ::testing::Test {
protected:
    void add(const std::string& id, std::string_view caller, std::string_view callee, std::int64_t start, std::int64_t end,
             std::int64_t caller_start = INT64_MIN, std::int64_t caller_end = 0) {
        ServiceCall c{.id = id, .callee_start = start, .callee_end = end};
        if (!caller.empty()) c.caller = names.service(names.host(caller), "");
        c.callee = names.service(names.host(callee), "");
        c.endpoint = names.service(names.host(callee), "get");
        if (caller_start != INT64_MIN) c.seen_by_caller = true, c.caller_start = caller_start, c.caller_end = caller_end;
        forest.add(c);
    }
    void give(const std::string& id, const std::string& parent) { forest.give({.id = id, .parent = parent}); }
    FlowNames names;
    CallForest forest{4};
};

TEST_F(OfCalls, EachIsACallAndTheWorkThatItAskedFor) {
    add("r", "", "a", 0, 100);
    add("x", "a", "b", 1'020, 1'040, 10, 50);
    add("y", "a", "db", 60, 70);
    add("z", "b", "db", 500, 560, 1'025, 1'035);  // took longer than its caller waited
    add("more", "a", "b", 80, 90);
    give("r", "");
    give("z", "x");  // before it is known what x was made for
    give("x", "r");
    give("y", "r");
    give("more", "r");
    const PathForest f = forest.finish(names);
    EXPECT_THAT(calls(f), ElementsAre("a>b 10-50 child 1 longer 0", "a>db 60-70 child 2 longer 0", "b>db 1025-1035 child - longer 50"));
    EXPECT_EQ(f.not_kept, 1u);
    EXPECT_EQ(f.works[3].origin, PathOrigin::detached);
    EXPECT_THAT(f.kinds, ElementsAre("a:get", "b:get", "db:get"));
    const CriticalPaths p = critical_paths(f);
    ASSERT_EQ(p.slowest.size(), 1u);
    EXPECT_EQ(p.slowest[0].id, "r");
    EXPECT_EQ(p.slowest[0].what, "a:get");
}

TEST_F(OfCalls, AbsurdTimesAreCountedOrStayWithinBounds) {
    constexpr std::int64_t kEnd = INT64_MAX / 2;
    forest = CallForest(100);
    add("ages", "", "a", -kEnd, kEnd);
    add("aged", "a", "b", 0, 1, -kEnd, kEnd);
    for (int i = 0; i < 40; ++i) {
        const std::string id = std::to_string(i);
        add("r" + id, "", "a", -kEnd, CallForest::kLongest - kEnd);
        add("c" + id, "a", "b", kEnd - CallForest::kLongest, kEnd, -kEnd, CallForest::kLongest - kEnd);
        give("c" + id, "r" + id);
    }
    const CriticalPaths p = critical_paths(forest.finish(names));
    EXPECT_EQ(p.not_kept, 2u);
    ASSERT_EQ(p.groups.size(), 1u);
    EXPECT_EQ(p.groups[0].requests, 40u);
    EXPECT_EQ(p.groups[0].total_ns, INT64_MAX);
    ASSERT_FALSE(p.groups[0].shares.empty());
    EXPECT_EQ(p.groups[0].shares[0].own_ns, INT64_MAX);
    EXPECT_EQ(p.groups[0].shares[0].saves_ns, 40 * (CallForest::kLongest / 10));
}

TEST_F(OfCalls, WhatHasNoParentThoughItHasACallerIsOfUnknownOrigin) {
    add("x", "a", "b", 0, 10);
    give("x", "");
    const CriticalPaths p = critical_paths(forest.finish(names));
    EXPECT_EQ(p.unknown, 1u);
    EXPECT_TRUE(p.groups.empty());
}

}  // namespace
}  // namespace autotune::analysis
