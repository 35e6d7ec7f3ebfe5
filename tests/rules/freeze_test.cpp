#include "rules/freeze.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using ::testing::HasSubstr;
using testing::Loop;
using testing::out_of_memory;

const std::string kOom = "- {name: oom, when: fn.oom_count > 0, plan: [{resize: {}}]}\n";
const std::string kDown = "- {name: down, priority: 200, when: dep.error_rate > 0.5, plan: [{notify: {}}]";

FunctionFacts caller_of(std::string name, std::string dependency, double error_rate) {
    return out_of_memory(std::move(name))
        .dependency(std::move(dependency), {{Fact::dep_error_rate, error_rate}});
}
std::vector<std::string> resized(const Plan& plan) {
    std::vector<std::string> names;
    for (const Action& a : plan.actions)
        if (std::holds_alternative<Resize>(a.change)) names.push_back(a.target.name);
    return names;
}

TEST(Freeze, AFunctionIsNotChangedWhileAListedRuleIsActiveOnIt) {
    Loop loop("guardrails: {freeze_when: [down]}\nrules:\n" + kOom + kDown + "}\n");
    const Plan plan = loop.facts({caller_of("a", "db", 0.9), caller_of("b", "cache", 0.0)}).tick();
    EXPECT_THAT(resized(plan), ::testing::ElementsAre("b"));
    ASSERT_EQ(plan.refused.size(), 1u);
    EXPECT_EQ(plan.refused[0].reason, "frozen while 'down' is active on a");
}

TEST(Freeze, DependentsAreThoseWhoCallItAndThoseWhoShareTheDependency) {
    Loop loop("guardrails: {blast_radius: {max_concurrent_changes: 9}}\nrules:\n" + kOom + kDown +
              ", effect: freeze-dependents}\n");
    const Plan plan = loop.facts({caller_of("a", "db", 0.9), caller_of("shares", "db", 0.1),
                                  caller_of("calls", "a", 0.0), caller_of("other", "cache", 0.0)})
                          .tick();
    EXPECT_THAT(resized(plan), ::testing::ElementsAre("other"));
    EXPECT_EQ(plan.refused.size(), 3u);
}

TEST(Freeze, EndsWhenTheRuleClears) {
    Loop loop("guardrails: {freeze_when: [down]}\nrules:\n" + kOom + kDown + "}\n");
    EXPECT_THAT(resized(loop.facts({caller_of("a", "db", 0.9)}).tick()), ::testing::IsEmpty());
    EXPECT_THAT(resized(loop.after(std::chrono::minutes(1)).facts({caller_of("a", "db", 0.0)}).tick()),
                ::testing::ElementsAre("a"));
}

}  // namespace
}  // namespace autotune::rules
