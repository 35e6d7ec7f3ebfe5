#include "knowledge/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/knowledge/builders.hpp"

namespace autotune {
namespace {

using test::at_ms;

ChangeRecord change(const Change& what, Disposition disposition, const std::vector<std::string>& facts = {"fn.oom_count"}) {
    ChangeRecord c;
    c.action = test::resize_action();
    c.action.change = what;
    c.action.evidence.facts.clear();
    for (const std::string& fact : facts) c.action.evidence.facts.emplace_back(fact, "3");
    c.disposition = disposition;
    c.step = disposition == Disposition::in_progress ? Step::observing : Step::closed;
    c.opened = at_ms(1'000);
    return c;
}

TEST(Catalogue, EverySymptomHasASignEvidenceAndRemedies) {
    std::set<std::string_view> names;
    for (const Symptom& s : symptoms()) {
        EXPECT_TRUE(names.insert(s.name).second) << s.name;
        EXPECT_FALSE(s.sign.empty() || s.means.empty() || s.facts.empty() || s.evidence.empty() || s.remedies.empty()) << s.name;
        const bool named = std::any_of(s.facts.begin(), s.facts.end(), [&](Fact f) { return s.sign.find(info(f).name) != std::string_view::npos; });
        EXPECT_TRUE(named) << s.name << ": the sign is about none of its facts";
    }
}

TEST(Catalogue, AFactBelongsToOneSymptom) {
    std::set<Fact> seen;
    for (const Symptom& s : symptoms())
        for (const Fact f : s.facts) EXPECT_TRUE(seen.insert(f).second) << info(f).name;
}

TEST(Catalogue, CountsWhatBecameOfEachRemedy) {
    std::vector<ChangeRecord> changes{change(Resize{128, 256}, Disposition::promoted), change(Resize{128, 256}, Disposition::promoted),
                                      change(Resize{128, 256}, Disposition::rolled_back), change(Resize{128, 256}, Disposition::reverted),
                                      change(Resize{128, 256}, Disposition::in_progress), change(Resize{128, 256}, Disposition::refused),
                                      change(Resize{128, 256}, Disposition::planned)};
    changes[0].judged = test::judge_report();
    const auto records = experience(changes);
    ASSERT_EQ(records.size(), 1u);
    const RemedyRecord& r = records[0];
    EXPECT_EQ(r.symptom, "out-of-memory");
    EXPECT_EQ(r.remedy, "resize");
    EXPECT_EQ(r.proved, 2u);
    EXPECT_EQ(r.harmful, 1u);
    EXPECT_EQ(r.not_proved, 1u);
    EXPECT_EQ(r.under_way, 1u);
    EXPECT_EQ(r.not_done, 1u);
    EXPECT_EQ(r.told, 1u);
    EXPECT_EQ(r.tried(), 4u);
    ASSERT_EQ(r.latest.size(), kLatestCases);
    EXPECT_EQ(r.latest[0].predicted, "no OOM with 256 MB");
    EXPECT_NE(r.latest[0].measured.find("calls failed"), std::string::npos);
    EXPECT_EQ(r.latest[1].measured, "");
}

TEST(Catalogue, ANotificationCountsForEachRemedyThatItSuggests) {
    const std::vector<ChangeRecord> changes{
        change(Notify{Severity::warning, "map-reduce over event.items, split"}, Disposition::notified),
        change(Notify{Severity::warning, ""}, Disposition::notified, {"fn.invocations", "dep.error_rate"})};
    const auto records = experience(changes);
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[0].remedy, "map-reduce over event.items");
    EXPECT_EQ(records[1].remedy, "split");
    EXPECT_EQ(records[2].symptom, "dependency-down");
    EXPECT_EQ(records[2].remedy, "notify");
}

TEST(Catalogue, WhatNoSymptomKnowsIsOther) {
    const std::vector<ChangeRecord> changes{change(Resize{128, 256}, Disposition::promoted, {"fn.bytes_sent", "no.such"})};
    EXPECT_EQ(experience(changes).at(0).symptom, kOtherSymptom);
    EXPECT_TRUE(experience({}).empty());
}

}  // namespace
}  // namespace autotune
