// The process dies before and after every write of the journal and every call of the platform. Each time
// the next one must bring the function to fully old or fully new, and do nothing twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "knowledge/sqlite_store.hpp"
#include "tests/knowledge/builders.hpp"
#include "world.hpp"

namespace autotune {
namespace {

using test::World;

// Dies at the points whose numbers are in `at`, counted over all lives.
class Fate {
public:
    Fate(World& world, std::set<int> at) : at_(std::move(at)) {
        world.store.before_write = world.store.after_write = [this] { pass(); };
        world.platform.hook = [this](std::string_view, test::Moment) { pass(); };
    }
    [[nodiscard]] int points() const { return point_; }

private:
    void pass() {
        if (at_.contains(point_++)) throw test::Crash();
    }
    std::set<int> at_;
    int point_ = 0;
};

void expect_nothing_done_twice(const World& world) {
    const auto& effects = world.platform.effects;
    for (std::size_t i = 1; i < effects.size(); ++i) EXPECT_NE(effects[i], effects[i - 1]) << world.told();
    for (const char* once :
         {"configure 256", "publish 2", "route 1+2", "route 2", "route 1", "configure 128", "layer autotune-remedy-12ab",
          "configure autotune_remedy.handler", "configure app.handler", "deploy new code", "deploy old code", "reserve 3",
          "reserve 1", "warm 3", "warm none"})
        EXPECT_LE(std::count(effects.begin(), effects.end(), once), 1) << world.told();
}

void expect_end(World& world, KnowledgeStore& journal, Disposition verdict) {
    const bool begun = !journal.changes(1)->empty();
    const bool up = begun && verdict == Disposition::promoted;
    EXPECT_TRUE(up ? world.fully_new() : world.fully_old()) << world.told();
    EXPECT_TRUE(journal.unfinished_changes()->empty());
    if (begun) {
        EXPECT_EQ(journal.changes(1)->front().disposition, verdict) << world.told();
    }
    expect_nothing_done_twice(world);
}

// Of a life without a crash. Those with one have more: the next process looks before it goes on.
int points_of(const Action& action, Disposition verdict) {
    test::MemoryStore journal;
    World world(journal);
    world.action = action;
    const Fate fate(world, {});
    world.live_through(verdict);
    const std::size_t least = !makes_version(action.change) ? 1 : 4;
    EXPECT_GE(world.platform.effects.size(), least);
    return fate.points();
}

struct Life {
    const char* name;
    Action action;
    Disposition verdict;
};
class CrashWalk : public testing::TestWithParam<Life> {};

TEST_P(CrashWalk, EndsOldOrNewWhereverItDies) {
    const auto& [name, action, verdict] = GetParam();
    int points = points_of(action, verdict);
    for (int n = 0; n < points; ++n) {
        SCOPED_TRACE("dies at point " + std::to_string(n));
        test::TempFolder folder;
        auto journal = SqliteStore::open(folder / "autotune.db").value();
        World world(*journal);
        world.action = action;
        const Fate fate(world, {n});
        world.live_through(verdict);
        expect_end(world, *journal, verdict);
        const auto verified = journal->verify_audit();
        EXPECT_TRUE(verified) << verified.error().message;
        points = std::max(points, fate.points());
        if (HasFailure()) return;
    }
}

TEST_P(CrashWalk, EndsOldOrNewWhereverItDiesTwice) {
    const auto& [name, action, verdict] = GetParam();
    int points = points_of(action, verdict);
    for (int n = 0; n < points; ++n)
        for (int m = n + 1; m < points + 1; ++m) {
            SCOPED_TRACE("dies at points " + std::to_string(n) + " and " + std::to_string(m));
            test::MemoryStore journal;
            World world(journal);
            world.action = action;
            const Fate fate(world, {n, m});
            world.live_through(verdict);
            expect_end(world, journal, verdict);
            points = std::max(points, fate.points());
            if (HasFailure()) return;
        }
}

INSTANTIATE_TEST_SUITE_P(
    Verdicts, CrashWalk,
    testing::Values(Life{"PromoteResize", test::oom_bump(), Disposition::promoted},
                    Life{"RollbackResize", test::oom_bump(), Disposition::rolled_back},
                    Life{"RevertResize", test::oom_bump(), Disposition::reverted},
                    Life{"PromoteWrap", test::put_cache(), Disposition::promoted},
                    Life{"RollbackWrap", test::put_cache(), Disposition::rolled_back},
                    Life{"RevertWrap", test::put_cache(), Disposition::reverted},
                    Life{"PromoteDeploy", test::deploy_new_code(), Disposition::promoted},
                    Life{"RollbackDeploy", test::deploy_new_code(), Disposition::rolled_back},
                    Life{"PromoteReserve", test::reserve_more(), Disposition::promoted},
                    Life{"RollbackReserve", test::reserve_more(), Disposition::rolled_back},
                    Life{"RevertReserve", test::reserve_more(), Disposition::reverted},
                    Life{"PromoteKeepWarm", test::keep_some_warm(), Disposition::promoted},
                    Life{"RollbackKeepWarm", test::keep_some_warm(), Disposition::rolled_back}),
    [](const auto& tested) { return tested.param.name; });

// Dies once at `moment` of the first call named `call`.
void die_at(World& world, const std::string& call, test::Moment moment) {
    world.platform.hook = [call, moment, died = false](std::string_view c, test::Moment m) mutable {
        if (died || c != call || m != moment) return;
        died = true;
        throw test::Crash();
    };
}

class WhileDead : public testing::Test {
protected:
    template <class Deed>
    void die_then(const std::string& call, test::Moment moment, Deed deed) {
        die_at(world_, call, moment);
        world_.boot();
        (void)world_.executor->start(test::oom_bump());
        EXPECT_THROW(world_.run(Disposition::promoted), test::Crash);
        deed();
        world_.boot();
        world_.run(Disposition::promoted);
        ASSERT_EQ(world_.outcomes.size(), 1u);
        EXPECT_EQ(world_.outcomes[0].disposition, Disposition::failed);
    }
    test::MemoryStore journal_;
    World world_{journal_};
};

TEST_F(WhileDead, SomebodysCodeIsNotPublished) {
    die_then("publish", test::Moment::before, [&] { world_.platform.somebody_changes_code(); });
    EXPECT_THAT(world_.platform.effects, testing::ElementsAre("configure 256", "configure 128"));
    EXPECT_EQ(world_.platform.head_memory(), 128u);
    EXPECT_EQ(world_.platform.head().code_hash, "old code'");
    EXPECT_EQ(world_.platform.alias().stable, "1");
}

TEST_F(WhileDead, SomebodysSizeStands) {
    die_then("configure", test::Moment::after, [&] { world_.platform.somebody_sets_memory(1024); });
    EXPECT_EQ(world_.platform.head_memory(), 1024u);
    EXPECT_EQ(world_.platform.alias().stable, "1");
}

TEST_F(WhileDead, SomebodysAliasStands) {
    die_then("route", test::Moment::after,
             [&] { world_.platform.somebody_moves_alias("live", "1", "2", 0.5); });
    EXPECT_EQ(world_.platform.alias().weight, 0.5);
    EXPECT_EQ(world_.platform.head_memory(), 128u);
}

TEST_F(WhileDead, AFunctionThatIsGoneIsLetGo) {
    die_then("publish", test::Moment::after, [&] { world_.platform.somebody_deletes_the_function(); });
    EXPECT_THAT(world_.outcomes[0].detail, testing::HasSubstr("gone"));
}

// Right after the next process has looked, `deed` changes what it saw.
template <class Deed>
auto after_the_look(World& world, Deed deed) {
    return [&world, deed] {
        world.platform.hook = [deed, done = false](std::string_view c, test::Moment m) mutable {
            if (done || c != "get" || m != test::Moment::after) return;
            done = true;
            deed();
        };
    };
}

TEST_F(WhileDead, SomebodysAliasStandsAlsoWhenItMovesAfterTheLook) {
    die_then("route", test::Moment::before,
             after_the_look(world_, [&] { world_.platform.somebody_moves_alias("live", "1", "2", 0.5); }));
    EXPECT_EQ(world_.platform.alias().weight, 0.5);
}

TEST_F(WhileDead, SomebodysCodeIsNotPublishedAlsoWhenItComesAfterTheLook) {
    die_then("publish", test::Moment::before,
             after_the_look(world_, [&] { world_.platform.somebody_changes_code(); }));
    EXPECT_THAT(world_.platform.effects, testing::ElementsAre("configure 256", "configure 128"));
}

TEST_F(WhileDead, SomebodysSizeStandsAlsoWhenItComesAfterTheLook) {
    die_then("configure", test::Moment::before,
             after_the_look(world_, [&] { world_.platform.somebody_sets_memory(1024); }));
    EXPECT_EQ(world_.platform.head_memory(), 1024u);
}

// Its successor is a newer program, with another wrapper, which cannot finish what the older one began.
class Upgraded : public WhileDead {
protected:
    void die_at_configure(test::Moment moment) {
        world_.action = test::put_cache();
        die_at(world_, "configure", moment);
        world_.boot();
        (void)world_.executor->start(world_.action);
        EXPECT_THROW(world_.run(Disposition::promoted), test::Crash);
        ExecutorOptions newer;
        newer.layer = {.name = "autotune-remedy-34cd", .description = {}, .zip = "zip", .runtimes = {}};
        world_.executor = std::make_unique<Executor>(world_.platform, world_.store, world_.clock, std::move(newer));
        ASSERT_TRUE(world_.executor->recover());
        world_.run(Disposition::promoted);
    }
};

TEST_F(Upgraded, WhatWasNotSetYetIsGivenUpWhole) {
    die_at_configure(test::Moment::before);
    ASSERT_EQ(world_.outcomes.size(), 1u);
    EXPECT_EQ(world_.outcomes[0].disposition, Disposition::failed);
    EXPECT_THAT(world_.outcomes[0].detail, testing::HasSubstr("another wrapper"));
    EXPECT_TRUE(world_.fully_old()) << world_.told();
}

TEST_F(Upgraded, WhatWasSetGoesOn) {
    die_at_configure(test::Moment::after);
    EXPECT_TRUE(world_.fully_new()) << world_.told();
}

}  // namespace
}  // namespace autotune
