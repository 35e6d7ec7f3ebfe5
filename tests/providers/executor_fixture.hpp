// An executor over a made-up platform and a journal in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "world.hpp"

namespace autotune::test {

class ExecutorTest : public ::testing::Test {
protected:
    void SetUp() override { world_.boot(); }
    // The outcome of an action that is not to begin.
    Outcome conclusion_of(const Action& action) {
        const auto started = world_.executor->start(action);
        EXPECT_TRUE(started) << started.error().message;
        EXPECT_FALSE(*started);
        const auto outcomes = world_.executor->take_outcomes();
        EXPECT_EQ(outcomes.size(), 1u);
        EXPECT_TRUE(world_.executor->open().empty());
        EXPECT_TRUE(world_.platform.effects.empty()) << world_.told();
        EXPECT_TRUE(journal_.unfinished_changes()->empty());
        return outcomes.at(0);
    }
    void expect_refused(const Action& action, const std::string& reason) {
        const Outcome o = conclusion_of(action);
        EXPECT_EQ(o.disposition, Disposition::refused);
        EXPECT_THAT(o.detail, ::testing::HasSubstr(reason));
    }
    ChangeId observing() {
        const auto id = world_.executor->start(oom_bump());
        EXPECT_TRUE(id && *id);
        world_.run(std::nullopt);
        EXPECT_EQ(world_.executor->open().front().step, Step::observing);
        return **id;
    }

    MemoryStore journal_;
    World world_{journal_};
};

}  // namespace autotune::test
