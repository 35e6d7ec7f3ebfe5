// What the loop puts on record of what was not done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/approvals.hpp"
#include "cli/left_actions.hpp"
#include "tests/cli/pipeline_fixture.hpp"

namespace autotune::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PipelineRefusalsTest : public PipelineTest {
protected:
    void another_agent_changes_it() { platform_.lease = "other-agent 1 60s since 2026-11-27T01:50:00Z"; }
    [[nodiscard]] std::vector<std::string> on_record() const {
        std::vector<std::string> out;
        for (const RefusalRecord& r : memory_.refusals) out.push_back(r.what.change + " by " + r.what.rule + ": " + r.what.reason);
        return out;
    }
    static auto has(const char* change) {
        return Contains(::testing::AllOf(HasSubstr(change), HasSubstr("agent other-agent changes it")));
    }
};

TEST_F(PipelineRefusalsTest, WhatStandsIsOneEntryAndARestartRepeatsNone) {
    rules_.guardrails.max_concurrent_changes = 0;
    const auto stands = [&](int times) {
        for (int i = 0; i < times; ++i) call("1", End::out_of_memory), pass(30s);
    };
    stands(60);
    ASSERT_THAT(on_record(), SizeIs(1)) << "in half an hour";
    EXPECT_THAT(on_record()[0], HasSubstr("as many changes are under way"));
    EXPECT_GE(memory_.refusals[0].until - memory_.refusals[0].at, 20min);
    make_pipeline(Mode::apply);
    stands(4);
    EXPECT_THAT(on_record(), SizeIs(1));
}

TEST_F(PipelineRefusalsTest, AnotherAgentsLeaseIsOnRecordForWhatIsApplied) {
    platform_.can.leases = true;
    another_agent_changes_it();
    Action action = test::resize_action();
    action.target = {"fake", "orders"};
    ASSERT_TRUE(leave(approvals_ / "applications", action));
    pass(5s);
    EXPECT_THAT(on_record(), has("resize 128 MB → 256 MB by out-of-memory"));
    EXPECT_THAT(on_record(), SizeIs(1));
    EXPECT_THAT(actions_in(approvals_ / "applications"), SizeIs(1)) << "it is asked again";
}

TEST_F(PipelineRefusalsTest, AnotherAgentsLeaseIsOnRecordForWhatIsApproved) {
    platform_.can.leases = true;
    rules_.guardrails.approval_required_for = {"resize"};
    call("1", End::out_of_memory);
    pass(2s);
    ASSERT_THAT(executor_.waiting(), SizeIs(1));
    another_agent_changes_it();
    ASSERT_TRUE(leave(approvals_ / "", {executor_.waiting().front().id, "ada"}));
    pass(5s);
    EXPECT_THAT(on_record(), has("by oom"));
    EXPECT_THAT(approvals_in(approvals_ / ""), SizeIs(1)) << "it is asked again";
}

// Of `orders`, and promoted.
ChangeId change_of_before(KnowledgeStore& store) {
    ChangeRecord done = test::change_record();
    done.action.target = {"fake", "orders"};
    done.step = Step::closed;
    done.disposition = Disposition::promoted;
    return store.open_change(done).value();
}

TEST_F(PipelineRefusalsTest, ARollbackThatADryAgentDoesNotMakeIsOnRecord) {
    make_pipeline(Mode::dry_run);
    const ChangeId id = change_of_before(store_);
    ASSERT_TRUE(leave(approvals_ / "rollbacks", {id, "ada"}));
    pass(5s);
    pass(5s);
    EXPECT_THAT(on_record(), ElementsAre("rollback of change 1 by out-of-memory: this agent runs dry"));
    EXPECT_THAT(approvals_in(approvals_ / "rollbacks"), SizeIs(1)) << "another agent may do it";
}

TEST_F(PipelineRefusalsTest, AnotherAgentsLeaseIsOnRecordForWhatIsRolledBack) {
    platform_.can.leases = true;
    another_agent_changes_it();
    const ChangeId id = change_of_before(store_);
    ASSERT_TRUE(leave(approvals_ / "rollbacks", {id, "ada"}));
    pass(5s);
    EXPECT_THAT(on_record(), has("rollback of change 1 by out-of-memory"));
    EXPECT_THAT(approvals_in(approvals_ / "rollbacks"), SizeIs(1)) << "it is asked again";
}

}  // namespace
}  // namespace autotune::cli
