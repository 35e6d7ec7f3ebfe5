// Profiles of functions: what is shown of broken stacks, and slow invocations against usual ones.
#include "tests/support/profiles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analyzer/event_script.hpp"

namespace autotune {
namespace {

using namespace std::chrono_literals;
using testing::Box;
using ::testing::ElementsAre;
using testing::EventScript;
using ::testing::HasSubstr;
using testing::NamedStack;
using testing::stacks_of;

TEST(Profile, ShowsTruncatedAndFailedStacksBesideTheWholeOnes) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).at(2s).start(a, "1").sample(a, {"main", "work"}).sample(a, {"work"}, StackEnd::cut);
    s.sample(a, {}, StackEnd::cut).sample(a, {}).at(3s).end(a, "1").at(4s).feed(analyzer);
    const Profile p = analyzer.profile({.function = "f"}, s.batch.tables);
    EXPECT_THAT(stacks_of(p),
                ElementsAre(NamedStack({"[truncated]", "[unknown]"}, 10'000'000),
                            NamedStack({"[truncated]", "work"}, 10'000'000),
                            NamedStack({"[unknown]"}, 10'000'000), NamedStack({"main", "work"}, 10'000'000)));
    EXPECT_EQ(p.truncated, 20'000'000u);
}

// `count` invocations one after the other, the i-th of i + 1 ms; one in three is `work`, the slowest `lock`.
void play(EventScript& s, Analyzer& analyzer, int count) {
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a);
    for (int i = 0; i < count; ++i) {
        const auto at = std::chrono::seconds(2 + i);
        const std::string id = std::to_string(i);
        s.at(at).start(a, id).sample(a, {"main", i == count - 1 ? "lock" : "work"});
        s.at(at + std::chrono::milliseconds(i + 1)).end(a, id);
    }
    s.at(std::chrono::seconds(count + 3)).feed(analyzer);
}

Profile slow(const Analyzer& analyzer, const EventScript& s) {
    return analyzer.profile({.function = "f", .part = ProfilePart::slow_against_median}, s.batch.tables);
}

TEST(SlowProfile, PutsTheSlowestHundredthBesideTheMiddleTenth) {
    EventScript s;
    Analyzer analyzer;
    play(s, analyzer, 100);
    const Profile p = slow(analyzer, s);
    EXPECT_THAT(stacks_of(p), ElementsAre(NamedStack({"main", "lock"}, 10'000'000)));
    EXPECT_EQ(p.total(), 10'000'000u);
    EXPECT_EQ(p.total_before(), 100'000'000u);  // ten invocations
    EXPECT_THAT(p.title, HasSubstr("slowest 1 of 100 invocations (100 ms"));
    EXPECT_THAT(p.title, HasSubstr("median (10 of about 51 ms"));
}

TEST(Profiles, MemoryOfOneStackIsOneSampleOfItsInvocation) {
    EventScript s;
    Analyzer analyzer({.samples_per_function = 6});
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a);
    for (int i = 0; i < 3; ++i) {
        s.at(std::chrono::seconds(2 + i)).start(a, std::to_string(i));
        for (int k = 0; k < 1000; ++k) s.takes(a, {"fill"}, 1u << i).takes(a, {"main", "list"}, 2);
        s.at(std::chrono::seconds(2 + i) + 500ms).end(a, std::to_string(i));
    }
    s.at(100s).feed(analyzer);
    EXPECT_EQ(analyzer.counters().samples_replaced, 0u);
    const auto of = [&](ProfileQuery query) {
        query.function = "f";
        query.of = ProfileOf::memory;
        return stacks_of(analyzer.profile(query, s.batch.tables));
    };
    EXPECT_THAT(of({}), ElementsAre(NamedStack({"fill"}, 7'000), NamedStack({"main", "list"}, 6'000)));
    const InvocationId second("1");
    EXPECT_THAT(of({.invocation = second}), ElementsAre(NamedStack({"fill"}, 2'000), NamedStack({"main", "list"}, 2'000)));
}

TEST(SlowProfile, IsOfWhatIsAskedFor) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a);
    for (int i = 0; i < 5; ++i) {
        const auto at = std::chrono::seconds(2 + 10 * i);
        s.at(at).start(a, std::to_string(i)).sample(a, {"work"}).takes(a, {"fill"}, 1'000u << i);
        s.at(at + std::chrono::seconds(i + 1)).end(a, std::to_string(i));
    }
    s.at(100s).feed(analyzer);
    const Profile p = analyzer.profile(
        {.function = "f", .part = ProfilePart::slow_against_median, .of = ProfileOf::memory}, s.batch.tables);
    EXPECT_THAT(stacks_of(p), ElementsAre(NamedStack({"fill"}, 16'000)));
    EXPECT_EQ(p.total_before(), 4'000u);
    EXPECT_EQ(p.unit, ProfileUnit::bytes);
    EXPECT_EQ(p.measure, "alloc_space");
    EXPECT_THAT(p.title, HasSubstr("memory)"));
}

TEST(SlowProfile, NeverComparesAnInvocationWithItself) {
    for (const int count : {3, 4, 5, 9, 11, 30, 101}) {
        EventScript s;
        Analyzer analyzer;
        play(s, analyzer, count);
        const Profile p = slow(analyzer, s);
        EXPECT_GT(p.total_before(), 0u) << count;
        std::uint64_t slowest = 0, usual = 0;
        for (std::size_t i = 1; i < p.nodes.size(); ++i) {
            if (p.frames[p.nodes[i].frame].name != "lock") continue;
            slowest += p.nodes[i].self;
            usual += p.before[i];
        }
        EXPECT_EQ(slowest, 10'000'000u) << count;
        EXPECT_EQ(usual, 0u) << count;
    }
}

TEST(SlowProfile, OfTooFewInvocationsIsEmptyAndSaysSo) {
    EventScript s;
    Analyzer analyzer;
    play(s, analyzer, 2);
    const Profile p = slow(analyzer, s);
    EXPECT_EQ(p.total(), 0u);
    EXPECT_THAT(p.title, HasSubstr("too few"));
}

}  // namespace
}  // namespace autotune
