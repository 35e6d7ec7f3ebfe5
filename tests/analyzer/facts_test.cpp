#include <gtest/gtest.h>

#include <cerrno>

#include "analyzer/window_facts.hpp"
#include "tests/analyzer/event_script.hpp"

namespace autotune {
namespace {

using namespace testing;

const Endpoint kUs = ipv4_endpoint(10, 0, 0, 1, 40'000);

TEST(Facts, OfAFunctionThatDidNothingAreZeroOrUnknown) {
    EventScript s;
    Analyzer analyzer;
    s.at(1s).born(s.sandbox(7, 100, "idle")).at(2s).feed(analyzer);
    const auto all = analyzer.facts(60s, Timestamp(10s));
    ASSERT_EQ(all.size(), 1u);
    const FactSet& fn = all[0].fn;
    EXPECT_EQ(std::get<std::string>(fn[Fact::fn_name]), "idle");
    EXPECT_EQ(fn.integer(Fact::fn_invocations), 0);
    EXPECT_EQ(fn.integer(Fact::fn_oom_count), 0);
    for (const Fact f :
         {Fact::fn_error_rate, Fact::fn_timeout_rate, Fact::fn_cold_start_share, Fact::fn_p95,
          Fact::fn_oncpu_share, Fact::fn_peak_memory_mb, Fact::fn_memory_use, Fact::fn_timeout})
        EXPECT_FALSE(fn.known(f)) << info(f).name;
}

TEST(Facts, DoNotKnowAnInvocationThatWasHeldForADebugger) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a"), b = s.sandbox(8, 200, "a");
    Analyzer analyzer;
    s.at(1s).born(a).born(b).start(a, "usual", {.limit = 3s}).at(1'100ms).end(a, "usual");
    s.at(2s).start(a, "slow", {.limit = 3s, .held = true}).start(b, "killed", {.limit = 3s, .held = true});
    s.at(50s).end(a, "slow").killed(b, 9).feed(analyzer);
    const auto records = analyzer.take_finished();
    ASSERT_EQ(records.size(), 3u);
    for (const Invocation& i : records) {
        EXPECT_EQ(i.held, i.id.view() != "usual") << i.id.view();
        // Who knows whether it was the deadline?
        EXPECT_EQ(i.status, i.id.view() == "killed" ? InvocationStatus::unknown : InvocationStatus::ok) << i.id.view();
    }
    const FactSet fn = analyzer.facts(60s, Timestamp(50s)).at(0).fn;
    EXPECT_EQ(fn.integer(Fact::fn_invocations), 1);
    EXPECT_EQ(fn.integer(Fact::fn_timeouts), 0);
    EXPECT_EQ(fn.integer(Fact::fn_errors), 0);
    EXPECT_EQ(fn.duration(Fact::fn_max_duration), 100ms);
}

// Three come at 10 s, of which two wait for their sandboxes, born then and ready after 1 s; four more are under way at 20 s
// without any that waits.
TEST(Facts, TellHowManyWereUnderWayWhenOneWaited) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f"), b = s.sandbox(8, 200, "f"), c = s.sandbox(9, 300, "f");
    s.at(1s).born(a).at(2s).ready(a).start(a, "first").at(3s).end(a, "first");
    s.at(9'900ms).start(a, "long").at(10s).born(b).at(10'100ms).born(c);
    s.at(10'500ms).end(a, "long");  // before the two that wait begin, and after they came
    s.at(11s).ready(b).start(b, "b").at(11'100ms).ready(c).start(c, "c").at(12s).end(b, "b").end(c, "c");
    s.at(13s).feed(analyzer);
    EXPECT_EQ(analyzer.facts(60s, Timestamp(13s)).at(0).fn.integer(Fact::fn_cold_concurrency), 3);
    for (const Box& box : {a, b, c}) s.at(70s).start(box, box.function + std::to_string(box.process.pid));
    for (const Box& box : {a, b, c}) s.at(71s).end(box, box.function + std::to_string(box.process.pid));
    s.at(72s).feed(analyzer);
    EXPECT_FALSE(analyzer.facts(10s, Timestamp(72s)).at(0).fn.known(Fact::fn_cold_concurrency)) << "none waited";
}

// One executor, `count` invocations 1 s apart from 10 s on; the n-th takes n ms.
void run_many(EventScript& s, const Box& box, int count) {
    s.at(1s).born(box);
    for (int n = 1; n <= count; ++n) {
        const Nanos start = 9s + std::chrono::seconds(n);
        const std::string id = box.function + std::to_string(n);
        s.at(start).start(box, id).at(start + std::chrono::milliseconds(n)).end(box, id);
    }
}

TEST(Facts, CountAndRankTheDurationsOfTheWindow) {
    EventScript s;
    Analyzer analyzer;
    run_many(s, s.sandbox(7, 100, "f"), 100);
    s.at(200s).feed(analyzer);
    const FactSet fn = analyzer.facts(1h, Timestamp(200s)).at(0).fn;
    EXPECT_EQ(fn.integer(Fact::fn_invocations), 100);
    EXPECT_EQ(fn.duration(Fact::fn_p50), 50ms);
    EXPECT_EQ(fn.duration(Fact::fn_p95), 95ms);
    EXPECT_EQ(fn.duration(Fact::fn_p99), 99ms);
    EXPECT_EQ(fn.duration(Fact::fn_max_duration), 100ms);
    EXPECT_EQ(fn.number(Fact::fn_cold_start_share), 0.01);

    // Ended in [100 s, 110 s]: the 91st to the 100th.
    const FactSet late = analyzer.facts(10s, Timestamp(110s)).at(0).fn;
    EXPECT_EQ(late.integer(Fact::fn_invocations), 10);
    EXPECT_EQ(late.duration(Fact::fn_p50), 95ms);
    EXPECT_EQ(late.integer(Fact::fn_cold_starts), 0);
}

TEST(Facts, CountWhatWasToldForThoseItStandsFor) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    const auto usage = [](std::uint64_t ms) { return CgroupUsage{ms * 1'000'000, 0, 0, 0, 0}; };
    s.at(1s).born(a);
    s.at(2s).start(a, "cold", {.usage = usage(1)}).at(2'100ms).end(a, "cold", usage(11));
    s.at(3s).start(a, "long", {.usage = usage(11), .stands_for = 4}).at(4s).end(a, "long", usage(511));
    s.at(5s).start(a, "short", {.usage = usage(511), .stands_for = 16}).at(5'010ms).end(a, "short", usage(516));
    s.at(6s).start(a, "failed", {.usage = usage(516), .stands_for = 16}).at(6'500ms).error(a, "failed", "E");
    s.at(7s).feed(analyzer);
    for (const Invocation& i : analyzer.take_finished())
        EXPECT_EQ(i.stands_for, i.id.view() == "long" ? 4u : i.id.view() == "short" ? 16u : 1u) << i.id.view();
    const FactSet fn = analyzer.facts(60s, Timestamp(7s)).at(0).fn;
    EXPECT_EQ(fn.integer(Fact::fn_invocations), 1 + 4 + 16 + 1);
    EXPECT_EQ(fn.integer(Fact::fn_errors), 1);
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_error_rate), 1.0 / 22);
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_cold_start_share), 1.0 / 22);
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_told_share), 4.0 / 22);
    EXPECT_EQ(fn.duration(Fact::fn_p50), 10ms);
    EXPECT_EQ(fn.duration(Fact::fn_p95), 1s);
    EXPECT_EQ(fn.duration(Fact::fn_max_duration), 1s);
    // Of the failed one no reading of its CPU was to be had.
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_cpu_share), (0.010 + 4 * 0.5 + 16 * 0.005) / (0.1 + 4 * 1 + 16 * 0.01));
}

TEST(Facts, TellDeathsApartAndWhenTheLastOnesWere) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f"), b = s.sandbox(8, 200, "f"), c = s.sandbox(9, 300, "f"),
              d = s.sandbox(10, 400, "f");
    s.at(1s).born(a).born(b).born(c).born(d);
    s.at(2s).start(a, "1").start(b, "2", {.limit = 2990ms}).start(c, "3").start(d, "4");
    s.at(3s).oom(a, 100).killed(a, 9).at(4s).killed(c, 11).at(4500ms).error(d, "4", "E").at(5s).killed(b, 9);
    s.at(6s).feed(analyzer);
    const FunctionFacts f = analyzer.facts(60s, Timestamp(6s)).at(0);
    EXPECT_EQ(f.fn.integer(Fact::fn_errors), 4);
    EXPECT_EQ(f.fn.number(Fact::fn_error_rate), 1.0);
    EXPECT_EQ(f.fn.integer(Fact::fn_oom_count), 1);
    EXPECT_EQ(f.fn.integer(Fact::fn_timeouts), 1);
    EXPECT_EQ(f.fn.number(Fact::fn_timeout_rate), 0.25);
    EXPECT_EQ(f.fn.integer(Fact::fn_crashes), 1);
    EXPECT_EQ(f.last_oom, Timestamp(3s));
    EXPECT_EQ(f.last_timeout, Timestamp(5s));
    EXPECT_EQ(f.fn.duration(Fact::fn_timeout), 3s);  // seen 10 ms short
}

TEST(Facts, SayWhatMoreCpuCouldShorten) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).at(2s).start(a, "1", {.usage = {1'000'000, 0, 0, 0, 0}});
    s.at(3s).end(a, "1", {201'000'000, 600'000'000, 0, 0, 0}).at(4s).feed(analyzer);
    const FactSet fn = analyzer.facts(60s, Timestamp(4s)).at(0).fn;
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_cpu_share), 0.2);
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_oncpu_share), 0.8);
    EXPECT_EQ(fn.duration(Fact::fn_cpu_p99), 200ms);
    EXPECT_EQ(fn.number(Fact::fn_io_wait_share), 0.0);
}

TEST(Facts, ComparePeakMemoryWithTheSizeOfTheMainVersion) {
    EventScript s;
    Analyzer analyzer;
    Box one = s.sandbox(7, 100, "f"), two = s.sandbox(8, 200, "f");
    two.version = "2", two.memory_mb = 256;
    const CgroupUsage start{1, 0, 20 * kMiB, 20 * kMiB, 0}, low{2, 0, 0, 64 * kMiB, 0},
        high{2, 0, 0, 96 * kMiB, 0};
    s.at(1s).born(one).born(two).at(2s).start(one, "1", {.usage = start}).at(3s).end(one, "1", low);
    s.at(4s).start(one, "2", {.usage = start}).at(5s).end(one, "2", high);
    s.at(6s).start(two, "3", {.usage = start}).at(7s).end(two, "3", low).at(8s).feed(analyzer);
    const FactSet fn = analyzer.facts(60s, Timestamp(8s)).at(0).fn;
    EXPECT_EQ(std::get<std::string>(fn[Fact::fn_version]), "1");
    EXPECT_EQ(fn.integer(Fact::fn_memory_mb), 128);
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_peak_memory_mb), 96.0);
    EXPECT_DOUBLE_EQ(*fn.number(Fact::fn_memory_use), 0.75);
}

TEST(Facts, NameDependenciesAndTheirFailures) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).at(2s).start(a, "1");
    s.at(2100ms).connect(a, 5, kUs, kDatabase).send(a, 5, 10, kDatabase).receive(a, 5, 30, kDatabase, 99ms);
    s.connect(a, 6, kUs, kCache, -ECONNREFUSED).connect(a, 6, kUs, kCache, -ECONNREFUSED);
    s.at(3s).end(a, "1").at(4s).feed(analyzer);
    const FunctionFacts f = analyzer.facts(60s, Timestamp(4s)).at(0);
    ASSERT_EQ(f.deps.size(), 2u);
    const FactSet& cache = f.deps[0];
    EXPECT_EQ(std::get<std::string>(cache[Fact::dep_name]), "10.0.0.8:6379");
    EXPECT_EQ(cache.integer(Fact::dep_calls), 2);
    EXPECT_EQ(cache.number(Fact::dep_error_rate), 1.0);
    const FactSet& database = f.deps[1];
    EXPECT_EQ(database.integer(Fact::dep_calls), 1);
    EXPECT_EQ(database.integer(Fact::dep_errors), 0);
    EXPECT_EQ(database.duration(Fact::dep_mean_wait), 101ms);
    EXPECT_EQ(f.fn.integer(Fact::fn_failed_deps), 1);
    EXPECT_EQ(f.fn.integer(Fact::fn_bytes_sent), 10);
    EXPECT_EQ(f.fn.integer(Fact::fn_bytes_received), 30);
    EXPECT_NEAR(*f.fn.number(Fact::fn_io_wait_share), 0.103, 1e-9);
}

TEST(Facts, CountALossOnceHoweverManyInvocationsWereOpen) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f"), b = s.sandbox(8, 200, "f");
    s.at(1s)
        .born(a)
        .born(b)
        .at(2s)
        .start(a, "1")
        .start(b, "2")
        .at(3s)
        .lost(5)
        .at(4s)
        .end(a, "1")
        .end(b, "2")
        .lost(7);
    s.at(5s).feed(analyzer);
    EXPECT_EQ(analyzer.facts(60s, Timestamp(5s)).at(0).fn.integer(Fact::fn_events_lost), 5);
    EXPECT_EQ(analyzer.counters().lost, 12u);
}

TEST(Facts, NameTheHottestFrame) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).sample(a, {"main", "import"}).sample(a, {"main", "import"}).at(2s).start(a, "1");
    s.at(2100ms)
        .sample(a, {"main", "parse"})
        .sample(a, {"main", "multiply"})
        .sample(a, {"main", "x", "multiply"});
    s.at(3s).end(a, "1").at(4s).feed(analyzer);
    const FunctionFacts f = analyzer.facts(60s, Timestamp(4s)).at(0);
    EXPECT_EQ(f.hottest_frame, "multiply");
    EXPECT_NEAR(f.hottest_share, 2.0 / 3, 1e-9);
}

TEST(Facts, ForgetWhatIsOlderThanTheHistoryAndWhatIsTooMuch) {
    EventScript s;
    Analyzer analyzer({.history = 60s, .records_per_function = 5});
    run_many(s, s.sandbox(7, 100, "many"), 10);
    const Box old = s.sandbox(8, 200, "old");
    s.at(100s).feed(analyzer);
    EXPECT_EQ(analyzer.facts(2h, Timestamp(30s)).at(0).fn.integer(Fact::fn_invocations), 5);
    EXPECT_TRUE(analyzer.facts(2h, Timestamp(300s)).empty());
}

TEST(Facts, OfTooManyFunctionsAreDroppedAndCounted) {
    EventScript s;
    Analyzer analyzer({.functions = 2});
    for (int i = 0; i < 5; ++i)
        s.at(1s).born(s.sandbox(100 + static_cast<std::uint64_t>(i), 100 + i, "f" + std::to_string(i)));
    s.at(2s).feed(analyzer);
    EXPECT_EQ(analyzer.facts(60s, Timestamp(2s)).size(), 2u);
    EXPECT_EQ(analyzer.counters().functions_dropped, 3u);
}

TEST(ConfiguredLimit, IsTheWholeSecondJustAbove) {
    EXPECT_EQ(analysis::configured_limit(2998ms), 3s);
    EXPECT_EQ(analysis::configured_limit(3s), 3s);
    EXPECT_EQ(analysis::configured_limit(2500ms), 2500ms);
}

}  // namespace
}  // namespace autotune
