#include "agent/native/native_source.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "tests/agent/native/probed_program.hpp"

namespace autotune::native {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kProgram = AUTOTUNE_NATIVE_PROGRAM;
const std::string kThrows = AUTOTUNE_NATIVE_THROWS;
const std::string kLibrary = AUTOTUNE_NATIVE_LIBRARY;

Ran traced(const std::vector<std::string>& command, const NativeSourceOptions& options) {
    auto source = make_native_source(options);
    if (!source) {
        ADD_FAILURE() << source.error().message;
        return Ran();
    }
    return run(command, source->get());
}

// The target says and ends as it does without us.
Ran unharmed(const std::vector<std::string>& command, const NativeSourceOptions& options) {
    Ran with = traced(command, options);
    const Ran without = run(command, nullptr);
    EXPECT_EQ(with.output, without.output);
    EXPECT_EQ(with.status, without.status);
    return with;
}

TEST(NativeSource, TellsEachCallAndItsSums) {
    const Ran ran = unharmed({kProgram, "calls"}, {.functions = {kProgram + ":probed_*"}});
    EXPECT_EQ(ran.calls("probed_add"), 100u);
    EXPECT_EQ(ran.calls("probed_leaf"), 100u);
    EXPECT_EQ(ran.total("probed_leaf"), 100u);
    for (const Event& e : ran.batch.events) {
        EXPECT_EQ(e.process.pid, ran.pid);
        EXPECT_NE(e.process.start_ns, 0u);
        if (const auto* c = std::get_if<CallDone>(&e.body)) {
            EXPECT_EQ(c->depth, ran.name_of(c->function) == "probed_leaf" ? 1u : 0u);
        }
        const auto* sums = std::get_if<CallTotals>(&e.body);
        if (sums != nullptr && ran.name_of(sums->function) == "probed_leaf") {
            EXPECT_EQ(ran.name_of(sums->caller), "probed_add");
        }
    }
}

TEST(NativeSource, IsExactWhenTheRingIsFull) {
    const Ran ran = unharmed({kProgram, "many"}, {.functions = {kProgram + ":probed_*"}, .ring_bytes = 4096});
    EXPECT_EQ(ran.total("probed_add"), 20'000u);
    EXPECT_EQ(ran.total("probed_leaf"), 20'000u);
    const auto lost = ran.health.lost.at(static_cast<std::size_t>(LossKind::ring_full));
    EXPECT_GT(lost, 0u);
    EXPECT_EQ(ran.health.records_attempted, ran.health.records_received + lost);
}

TEST(NativeSource, CountsCallsThatAreTooDeepToTime) {
    const Ran ran = unharmed({kProgram, "recursive"}, {.functions = {kProgram + ":probed_*"}});
    EXPECT_EQ(ran.total("probed_recursive"), 101u);
    EXPECT_GT(ran.health.untimed, 0u);
}

TEST(NativeSource, CutsCallsThatAreJumpedOutOf) {
    const Ran ran = unharmed({kProgram, "longjmp"}, {.functions = {kProgram + ":probed_*"}});
    EXPECT_EQ(ran.calls("probed_jump", CallEnd::cut), 300u);
    EXPECT_EQ(ran.calls("probed_jump"), 0u);
    EXPECT_EQ(ran.calls("probed_leaf"), 50u);
}

TEST(NativeSource, FollowsAFork) {
    const Ran ran = unharmed({kProgram, "fork"}, {.functions = {kProgram + ":probed_*"}});
    EXPECT_EQ(ran.calls("probed_leaf"), 1u) << "of the child";
    EXPECT_GE(ran.calls("probed_fork"), 1u);
}

TEST(NativeSource, FollowsAnExec) {
    const Ran ran = unharmed({kProgram, "exec"}, {.functions = {kProgram + ":probed_*"}});
    EXPECT_EQ(ran.calls("probed_exec", CallEnd::cut), 1u);
    EXPECT_EQ(ran.calls("probed_add"), 100u);
}

TEST(NativeSource, CutsTheCallInWhichAProcessDies) {
    EXPECT_EQ(unharmed({kProgram, "die"}, {.functions = {kProgram + ":probed_*"}})
                  .calls("probed_death", CallEnd::cut),
              1u);
    EXPECT_EQ(unharmed({kProgram, "exit"}, {.functions = {kProgram + ":probed_*"}})
                  .calls("probed_exit", CallEnd::cut),
              1u);
}

TEST(NativeSource, OutlivesALibraryThatIsUnloaded) {
    const Ran ran = unharmed({kProgram, "unload", kLibrary}, {.functions = {kLibrary + ":library_twice"}});
    EXPECT_EQ(ran.calls("library_twice"), 20u);
}

TEST(NativeSource, LetsExceptionsPass) {
    const Ran ran = unharmed({kThrows}, {.functions = {kThrows + ":probed_*"}});
    EXPECT_EQ(ran.calls("probed_catch"), 20u);
    EXPECT_EQ(ran.total("probed_throw"), 50u);
    EXPECT_EQ(ran.calls("probed_throw", CallEnd::cut), 50u);
}

TEST(NativeSource, TracesAThousandThreads) {
    const Ran ran = unharmed({kProgram, "threads"}, {.functions = {kProgram + ":probed_leaf"}});
    EXPECT_EQ(ran.total("probed_leaf"), 10'000u);
}

TEST(NativeSource, SeesArgumentsAndVariables) {
    const Ran ran = unharmed({kProgram, "calls"},
                             {.functions = {kProgram + ":probed_add(str arg1, int arg2)"},
                              .watches = {kProgram + ":probed_leaf watched_number, str watched_text"},
                              .values_per_second = 0});
    const auto numbers = ran.values("int arg2");
    ASSERT_EQ(numbers.size(), 100u);
    EXPECT_EQ(numbers.back(), "99");
    EXPECT_EQ(ran.values("str arg1").front(), "\"name\"");
    EXPECT_EQ(ran.values("watched_number").at(42), "42");
    EXPECT_EQ(ran.values("str watched_text").front(), "\"hello\"");
    EXPECT_EQ(ran.calls("probed_leaf"), 0u) << "a watch tells values, no calls";
}

TEST(NativeSource, ShedsValuesOverTheirRate) {
    const Ran ran =
        unharmed({kProgram, "many"}, {.watches = {kProgram + ":probed_add arg2"}, .values_per_second = 10});
    const auto shed = ran.health.lost.at(static_cast<std::size_t>(LossKind::shed));
    EXPECT_GT(shed, 0u);
    EXPECT_EQ(ran.values("arg2").size() + shed, 20'000u);
}

TEST(NativeSource, FindsAFunctionByFileAndLine) {
    const Ran ran =
        unharmed({kProgram, "calls"}, {.functions = {kProgram + ":probed_program.c:" AUTOTUNE_LEAF_LINE}});
    EXPECT_EQ(ran.calls("probed_leaf"), 100u);
}

// The program's own clock tells between which lengths each call was. What is told, with what was subtracted put back,
// is what the probes saw, which is between them as well.
TEST(NativeSource, SubtractsWhatItsProbesAddAndSaysHowWellThatIsKnown) {
    const Ran ran = traced({kProgram, "lengths"}, {.functions = {kProgram + ":probed_spin"}});
    const auto spins = ran.calls_of("probed_spin");
    std::istringstream said(ran.output);
    for (const CallDone& call : spins) {
        long least = 0, most = 0;
        ASSERT_TRUE(said >> least >> most);
        EXPECT_GE(call.duration + call.bias, Nanos(least));
        EXPECT_LE(call.duration + call.bias, Nanos(most));
        EXPECT_GT(call.bias, Nanos(0));
    }
    ASSERT_EQ(spins.size(), 4u);
    for (const CallTotals& sums : ran.totals_of("probed_spin")) {
        EXPECT_EQ(sums.bias, spins.back().bias) << "nothing is beneath";
        EXPECT_GT(sums.spread, Nanos(0));
    }
    const ProbeBias& bias = ran.health.biases.of(SiteKind::stepped, EndSeenBy::return_probe);
    EXPECT_GE(bias.cost_ns, bias.bias_ns);
}

TEST(NativeSource, SaysInOneLineWhatIsWrong) {
    const auto trouble = [](const std::string& function) {
        const auto made = make_native_source({.functions = {function}});
        return made ? std::string() : made.error().message;
    };
    EXPECT_THAT(trouble(kProgram + ":probed_laef"), HasSubstr("near: probed_leaf"));
    EXPECT_THAT(trouble(AUTOTUNE_NATIVE_STRIPPED ":chosen"), HasSubstr("stripped"));
    EXPECT_THAT(trouble("no-such-program:main"), HasSubstr("there is no program or library"));
    EXPECT_THAT(trouble("main"), HasSubstr("is not BIN:FUNCTION"));
    EXPECT_THAT(trouble(kProgram + ":probed_program.c:9999"), HasSubstr("has no code at"));
    for (const char* wrong : {":probed_laef", ":probed_program.c:9999"})
        EXPECT_THAT(trouble(kProgram + wrong), Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace autotune::native
