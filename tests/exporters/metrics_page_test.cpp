// docs/metrics.md is a contract: what it lists is what the agent renders, with those types and labels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "exporters/prometheus_sink.hpp"
#include "tests/exporters/builders.hpp"

namespace autotune::exporters {
namespace {

struct Metric {
    std::string type;
    std::set<std::string> labels;
    bool operator==(const Metric&) const = default;
};
using Metrics = std::map<std::string, Metric>;

void PrintTo(const Metric& m, std::ostream* out) {
    *out << m.type << "{";
    for (const auto& label : m.labels) *out << label << ",";
    *out << "}";
}

// Rows like: | `name` | type | label, label | meaning |
Metrics documented() {
    std::ifstream page(AUTOTUNE_SOURCE_DIR "/docs/metrics.md");
    Metrics found;
    for (std::string line; std::getline(page, line);) {
        if (!line.starts_with("| `autotune_")) continue;
        std::istringstream cells(line);
        std::string skipped, name, type, labels;
        std::getline(cells, skipped, '`');
        std::getline(cells, name, '`');
        std::getline(cells, skipped, '|');
        cells >> type >> skipped;
        std::getline(cells, labels, '|');
        Metric metric{.type = type, .labels = {}};
        std::istringstream words(labels);
        for (std::string label; words >> label;) metric.labels.insert(label.substr(0, label.find(',')));
        found.emplace(name, metric);
    }
    return found;
}

std::set<std::string> labels_of(const std::string& series) {
    std::set<std::string> names;
    const auto open = series.find('{');
    for (auto at = open; at != std::string::npos && series[at] != '}';) {
        const auto equals = series.find("=\"", at);
        if (equals == std::string::npos) break;
        if (const auto name = series.substr(at + 1, equals - at - 1); name != "le") names.insert(name);
        at = series.find('"', equals + 2) + 1;
    }
    return names;
}

Metrics rendered(const std::string& text) {
    Metrics found;
    std::istringstream lines(text);
    std::string name;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# TYPE ")) {
            std::istringstream words(line.substr(7));
            std::string type;
            words >> name >> type;
            found[name].type = type;
        } else if (!line.starts_with("#") && !line.empty()) {
            found[name].labels.merge(labels_of(line));
        }
    }
    return found;
}

// Every kind of thing that a step can hold.
std::string everything() {
    PrometheusSink sink({.agent_version = "1"});
    const std::vector<Invocation> invocations{InvocationBuilder()};
    const Plan plan{.actions = {resize_action()},
                    .refused = {{{"aws-lambda", "orders"}, "timeout", "cooldown"}}};
    const Outcome outcome = outcome_of(resize_action(), Disposition::promoted);
    ChangeRecord change = observed_change();
    change.judged = JudgeReport{};
    const AgentHealth health{.shed = {{"waits", false}}};
    EXPECT_TRUE(sink.publish({.at = at_second(0),
                              .invocations = invocations,
                              .plan = &plan,
                              .outcomes = std::span(&outcome, 1),
                              .changes = std::span(&change, 1),
                              .health = &health}));
    return sink.render();
}

TEST(MetricsPage, ListsExactlyWhatTheAgentRenders) {
    EXPECT_THAT(rendered(everything()), testing::ContainerEq(documented()));
}

TEST(MetricsPage, EveryMetricHasAHelpText) {
    std::istringstream lines(everything());
    int helps = 0;
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("# HELP ")) {
            ++helps;
            EXPECT_TRUE(line.ends_with(".")) << line;
        }
    EXPECT_EQ(static_cast<std::size_t>(helps), documented().size());
}

TEST(MetricsPage, PrometheusItselfFindsNoFaultWithTheText) {
    if (std::system("command -v promtool > /dev/null") != 0)
        GTEST_SKIP() << "optional: promtool is not installed (Debian package prometheus)";
    std::FILE* promtool = ::popen("promtool check metrics", "w");
    ASSERT_NE(promtool, nullptr);
    const std::string text = everything();
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), promtool), text.size());
    EXPECT_EQ(::pclose(promtool), 0);
}

}  // namespace
}  // namespace autotune::exporters
