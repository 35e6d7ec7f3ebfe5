#include "agent/cold/start_builder.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace autotune::cold {
namespace {

class Starts : public ::testing::Test {
protected:
    // One millisecond, one file, ten bytes read and one page fault after the mark before.
    void mark(at_cold_kind kind, const char* text = "", std::uint32_t tid = 7) {
        ++now_;
        at_cold_mark m{.at_ns = now_ * 1'000'000, .kind = kind};
        m.pid = 7;
        m.tid = tid;
        m.parent = 1;
        m.sums = {.opens = now_, .read_bytes = 10 * now_, .minor_faults = now_, .resident = 4096 * now_};
        std::strncpy(m.text, text, sizeof m.text - 1);
        builder_.add(m);
    }
    ColdStart taken() {
        auto starts = builder_.take();
        EXPECT_EQ(starts.size(), 1u);
        return starts.empty() ? ColdStart{} : starts[0];
    }
    static std::string names(const std::vector<StartNode>& nodes) {
        std::string text;
        for (const StartNode& n : nodes) text += n.name + (n.below.empty() ? "" : "(" + names(n.below) + ")") + " ";
        if (!text.empty()) text.pop_back();
        return text;
    }

    std::uint64_t now_ = 0;
    StartBuilder builder_;
};

// As exec("exec(…)") may, or whoever fires the probes by himself.
TEST_F(Starts, AreBoundedInDepth) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_ENTRY);
    for (int i = 0; i < 20'000; ++i) mark(AT_COLD_BODY_BEGINS, "/deep.py");
    for (int i = 0; i < 20'000; ++i) mark(AT_COLD_BODY_ENDS);
    mark(AT_COLD_IMPORT_BEGINS, "after");
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_EXIT);
    const ColdStart start = taken();
    std::size_t depth = 0;
    const StartNode& program = start.phases.back();
    ASSERT_EQ(program.below.size(), 2u);
    for (const StartNode* n = &program.below[0]; n != nullptr; n = n->below.empty() ? nullptr : &n->below[0]) ++depth;
    EXPECT_EQ(depth, 512u);
    EXPECT_EQ(start.left_out, 20'000u - 512u);
    EXPECT_EQ(start.unclosed, 0u);
    EXPECT_EQ(program.below[1].name, "after");
}

// A server that evaluates what it is sent never ends to start.
TEST_F(Starts, AreBoundedInNumber) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_ENTRY);
    for (int i = 0; i < 100'010; ++i) mark(AT_COLD_BODY_BEGINS, "<string>"), mark(AT_COLD_BODY_ENDS);
    mark(AT_COLD_EXIT);
    const ColdStart start = taken();
    EXPECT_EQ(start.phases.back().below.size(), 100'000u);
    EXPECT_EQ(start.left_out, 10u);
}

TEST_F(Starts, AreToldAsFarAsTheyCameWhenNothingEnds) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_ENTRY);
    for (int i = 0; i < 100'010; ++i) mark(AT_COLD_BODY_BEGINS, "<string>");
    EXPECT_EQ(taken().left_out, 100'000u - 512u);
    mark(AT_COLD_BODY_ENDS);
    EXPECT_TRUE(builder_.take().empty());
}

TEST_F(Starts, ArePhasesOneAfterTheOther) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_EXEC_BEGINS);
    mark(AT_COLD_PROGRAM, "/srv/bootstrap");
    mark(AT_COLD_EXEC_ENDS);
    mark(AT_COLD_ENTRY);
    mark(AT_COLD_READY);
    mark(AT_COLD_WORK);
    mark(AT_COLD_ANSWER);
    const ColdStart start = taken();
    EXPECT_EQ(names(start.phases), "fork exec loader program ready handler");
    EXPECT_TRUE(start.answered);
    EXPECT_EQ(start.program, "/srv/bootstrap");
    EXPECT_EQ(start.total.time, std::chrono::milliseconds(7));
    EXPECT_EQ(start.phases[1].total.time, std::chrono::milliseconds(2));
    EXPECT_EQ(start.phases[1].total.files, 2u);
    EXPECT_EQ(start.phases[1].at, std::chrono::milliseconds(1));
    EXPECT_EQ(start.phases[5].total.read_bytes, 10u);
    EXPECT_EQ(start.phases[5].total.memory, 4096);
    mark(AT_COLD_EXIT);
    EXPECT_TRUE(builder_.take().empty()) << "it was told";
}

TEST_F(Starts, OfPythonHaveModulesWithSelfAndTotal) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_EXEC_BEGINS);
    mark(AT_COLD_EXEC_ENDS);
    mark(AT_COLD_ENTRY);
    mark(AT_COLD_IMPORT_BEGINS, "site");
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_RUN_MAIN);
    mark(AT_COLD_BODY_BEGINS, "app.py");
    mark(AT_COLD_IMPORT_BEGINS, "json");
    mark(AT_COLD_BODY_BEGINS, "json/__init__.py");
    mark(AT_COLD_IMPORT_BEGINS, "json.decoder");
    mark(AT_COLD_BODY_BEGINS, "json/decoder.py");
    mark(AT_COLD_BODY_ENDS);
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_BODY_ENDS);
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_BODY_BEGINS, "plugin.py");  // by importlib
    mark(AT_COLD_BODY_ENDS);
    mark(AT_COLD_BODY_ENDS);
    mark(AT_COLD_EXIT);
    const ColdStart start = taken();
    EXPECT_EQ(names(start.phases), "fork exec loader runtime(site) program(app.py(json(json.decoder) plugin.py))");
    EXPECT_FALSE(start.answered);
    const StartNode& main = start.phases[4].below.at(0);
    const StartNode& json = main.below.at(0);
    EXPECT_EQ(json.kind, StartKind::module);
    EXPECT_EQ(json.file, "json/__init__.py");
    EXPECT_EQ(json.total.time, std::chrono::milliseconds(7));
    EXPECT_EQ(json.self.time, std::chrono::milliseconds(4));
    EXPECT_EQ(json.below[0].total.files, 3u);
    EXPECT_EQ(main.below[1].kind, StartKind::body);
    EXPECT_EQ(main.self.time + json.total.time + main.below[1].total.time, main.total.time);
    EXPECT_EQ(start.unclosed, 0u);
}

TEST_F(Starts, CutWhatIsUnderWayWhenAPhaseEnds) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_ENTRY);
    mark(AT_COLD_BODY_BEGINS, "bootstrap.py");
    mark(AT_COLD_IMPORT_BEGINS, "json");
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_READY);
    mark(AT_COLD_WORK);
    mark(AT_COLD_IMPORT_BEGINS, "late");
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_ANSWER);
    const ColdStart start = taken();
    EXPECT_EQ(names(start.phases), "fork program(bootstrap.py(json)) ready handler(late)");
    EXPECT_EQ(start.unclosed, 1u);
}

TEST_F(Starts, LeaveOutWhatOtherThreadsImportAndWhatBeganUnseen) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_ENTRY);
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_IMPORT_BEGINS, "elsewhere", 8);
    mark(AT_COLD_IMPORT_BEGINS, "here");
    mark(AT_COLD_IMPORT_ENDS, "", 8);
    mark(AT_COLD_IMPORT_ENDS);
    mark(AT_COLD_EXIT);
    EXPECT_EQ(names(taken().phases), "fork program(here)");
}

TEST_F(Starts, CountExecsThatFailAsOne) {
    mark(AT_COLD_FORK);
    mark(AT_COLD_EXEC_BEGINS);
    mark(AT_COLD_EXEC_BEGINS);
    mark(AT_COLD_EXEC_ENDS);
    mark(AT_COLD_EXIT);
    EXPECT_EQ(names(taken().phases), "fork exec loader");
}

TEST_F(Starts, AreToldAsFarAsTheyHaveComeWhenNobodyWatchesAnyMore) {
    mark(AT_COLD_ENTRY);  // of a process that was there before
    EXPECT_TRUE(builder_.finish().empty());
    mark(AT_COLD_FORK);
    mark(AT_COLD_ENTRY);
    mark(AT_COLD_IMPORT_BEGINS, "slow");
    const auto starts = builder_.finish();
    ASSERT_EQ(starts.size(), 1u);
    EXPECT_EQ(names(starts[0].phases), "fork program(slow)");
}

TEST(ProfileOfStarts, WeighsEachStackByItsOwnTime) {
    const StartNode module{.kind = StartKind::module, .name = "json", .file = "json/__init__.py",
                           .total = {.time = Nanos(30)}, .self = {.time = Nanos(30)}};
    const ColdStart start{.program = "/usr/bin/python3",
                          .phases = {{.name = "program", .total = {.time = Nanos(100)}, .self = {.time = Nanos(70)},
                                      .below = {module}}}};
    const Profile profile = profile_of({start, start});
    EXPECT_EQ(profile.total(), 200u);
    EXPECT_EQ(profile.stacks(), 2u);
}

}  // namespace
}  // namespace autotune::cold
