#include "knowledge/action_json.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "builders.hpp"
#include "knowledge/io_json.hpp"

namespace autotune {
namespace {

TEST(ActionJson, KeepsEveryField) {
    const Action a = test::resize_action();
    const auto read = action_from_json(to_json(a));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->target, a.target);
    EXPECT_EQ(read->change, a.change);
    EXPECT_EQ(read->rule, a.rule);
    EXPECT_EQ(read->because, a.because);
    EXPECT_EQ(read->predicted, a.predicted);
    EXPECT_EQ(read->evidence.facts, a.evidence.facts);
    EXPECT_EQ(read->evidence.from, a.evidence.from);
    EXPECT_EQ(read->evidence.to, a.evidence.to);
    EXPECT_EQ(read->evidence.wall_to, a.evidence.wall_to);
    EXPECT_EQ(read->evidence.kill_time, a.evidence.kill_time);
    EXPECT_EQ(read->evidence.hottest_frame, a.evidence.hottest_frame);
    EXPECT_EQ(read->evidence.flame_graph, a.evidence.flame_graph);
    EXPECT_EQ(read->mode, a.mode);
    EXPECT_EQ(read->canary, a.canary);
    EXPECT_EQ(read->runbook, a.runbook);
    EXPECT_EQ(read->approval_within, a.approval_within);
}

TEST(ActionJson, KeepsWhatIsNotThere) {
    Action a = test::resize_action();
    a.change = Notify{Severity::critical, "map-reduce"};
    a.evidence.kill_time = std::nullopt;
    a.canary = std::nullopt;
    const auto read = action_from_json(to_json(a));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->change, a.change);
    EXPECT_EQ(read->evidence.kill_time, std::nullopt);
    EXPECT_EQ(read->canary, std::nullopt);
}

TEST(ActionJson, KeepsARemedy) {
    Action a = test::resize_action();
    a.change = Wrap{.remedy = "handover",
                    .settings = R"({"hops":3})",
                    .words = "handover",
                    .timeout = std::chrono::seconds(9),
                    .layer = "autotune-remedy-12ab",
                    .handler = "/opt/nodejs/node_modules/autotune_remedy/index.handler"};
    EXPECT_EQ(action_from_json(to_json(a))->change, a.change);
}

TEST(ActionJson, ReadsARemedyOfAProgramThatKnewOneWrapper) {
    Action a = test::resize_action();
    a.change = Wrap{.remedy = "cache", .settings = "{}", .words = "cache", .timeout = {}, .layer = "autotune-remedy-12ab", .handler = "x"};
    std::string older = to_json(a);
    const std::string handler = R"("handler":"x",)";
    ASSERT_NE(older.find(handler), std::string::npos);
    older.erase(older.find(handler), handler.size());
    const auto read = action_from_json(older);
    ASSERT_TRUE(read) << read.error().message;
    std::get<Wrap>(a.change).handler.clear();
    EXPECT_EQ(read->change, a.change);
}

TEST(ActionJson, KeepsWhatIsOfNoVersion) {
    Action a = test::resize_action();
    a.change = Reserve{.from = {}, .to = 3, .before = {.calls = 9, .bad = 4}};
    EXPECT_EQ(action_from_json(to_json(a))->change, a.change);
    a.change = KeepWarm{.alias = "live", .from = 2, .to = {}, .before = {.calls = 40, .bad = 12}};
    EXPECT_EQ(action_from_json(to_json(a))->change, a.change);
}

TEST(ActionJson, KeepsADeployment) {
    Action a = test::resize_action();
    a.change = Deploy{.code_hash = "abc=", .package = "/state/abc.zip", .words = "app.zip"};
    a.request = "7";
    EXPECT_EQ(action_from_json(to_json(a))->change, a.change);
    EXPECT_EQ(action_from_json(to_json(a))->request, "7");
    std::get<Deploy>(a.change).remedy = "fuse";
    std::get<Deploy>(a.change).made_of = MadeOf{.code_hash = "old=", .handler = "app.handler"};
    EXPECT_EQ(action_from_json(to_json(a))->change, a.change);
}

TEST(ActionJson, IsReadWhenANewerVersionAddedKeys) {
    std::string text = to_json(test::resize_action());
    text.insert(1, R"("added_later":true,)");
    EXPECT_TRUE(action_from_json(text));
}

TEST(ActionJson, RefusesNumbersThatDoNotFit) {
    for (const char* size : {"1e123", "4294967296", "-1", "1.5"}) {
        std::string text = to_json(test::resize_action());
        const std::size_t at = text.find(R"("to_mb":)") + 8;
        text.replace(at, text.find_first_of(",}", at) - at, size);
        const auto read = action_from_json(text);
        ASSERT_FALSE(read) << size;
        EXPECT_EQ(read.error().code, Errc::corrupt);
    }
}

TEST(IoJson, RefusesNumbersThatDoNotFit) {
    PeerIo peer;
    peer.peer.port = 443;
    for (const char* port : {"1e123", "65536", "-1"}) {
        std::string text = to_json(std::vector{peer});
        text.replace(text.find("443"), 3, port);
        EXPECT_FALSE(peers_from_json(text)) << port;
    }
}

TEST(ActionJson, RefusesWhatItCannotUnderstand) {
    for (const char* text : {"", "{", "[]", "{}", R"({"provider":1})"}) {
        const auto read = action_from_json(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::corrupt);
    }
    std::string text = to_json(test::resize_action());
    text.replace(text.find("resize"), 6, "rescue");
    EXPECT_EQ(action_from_json(text).error().message, "action: this kind of change is not known");
}

TEST(ActionJson, NeverFailsOnBytesThatAreNoText) {
    Action a = test::resize_action();
    a.because = "\xff\xfe";
    const auto read = action_from_json(to_json(a));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->because, "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(JudgeReportJson, KeepsEveryField) {
    const JudgeReport r = test::judge_report();
    const auto read = judge_report_from_json(to_json(r));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->decision, r.decision);
    EXPECT_EQ(read->pairs, r.pairs);
    EXPECT_EQ(read->canary_calls, r.canary_calls);
    EXPECT_EQ(read->canary_failures, r.canary_failures);
    EXPECT_EQ(read->baseline_calls, r.baseline_calls);
    EXPECT_EQ(read->baseline_failures, r.baseline_failures);
    EXPECT_EQ(read->log10_e_latency, r.log10_e_latency);
    EXPECT_EQ(read->log10_e_errors, r.log10_e_errors);
    EXPECT_EQ(read->log10_e_harm, r.log10_e_harm);
    EXPECT_EQ(read->baseline_p95, r.baseline_p95);
    EXPECT_EQ(read->canary_p95, r.canary_p95);
    EXPECT_EQ(read->reason, r.reason);
}

TEST(JudgeReportJson, KeepsInfiniteEvidence) {
    JudgeReport r = test::judge_report();
    r.log10_e_latency = std::numeric_limits<double>::infinity();
    r.log10_e_errors = -std::numeric_limits<double>::infinity();
    r.log10_e_harm = std::numeric_limits<double>::quiet_NaN();
    const auto read = judge_report_from_json(to_json(r));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->log10_e_latency, r.log10_e_latency);
    EXPECT_EQ(read->log10_e_errors, r.log10_e_errors);
    EXPECT_NE(read->log10_e_harm, read->log10_e_harm);
}

}  // namespace
}  // namespace autotune
