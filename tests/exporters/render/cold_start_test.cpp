#include "exporters/render/cold_start.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace autotune::render {
namespace {

StartNode module(const char* name, Nanos time) {
    return {.kind = StartKind::module, .name = name, .file = std::string(name) + ".py", .total = {.time = time, .files = 2},
            .self = {.time = time, .files = 2}};
}

ColdStart a_start() {
    using std::chrono::milliseconds;
    StartNode program{.name = "program", .total = {.time = milliseconds(90), .files = 6}, .self = {.time = milliseconds(30)}};
    program.below = {module("big\x1b[2J", milliseconds(59)), module("small", Nanos(400'000)), module("tiny", Nanos(600'000))};
    return {.pid = 7, .parent = 1, .program = "/usr/bin/python3", .total = {.time = milliseconds(100)},
            .phases = {{.name = "loader", .total = {.time = milliseconds(10)}, .self = {.time = milliseconds(10)}}, program},
            .unclosed = 1};
}

TEST(ColdStartText, IsATreeWithWhatIsSmallToldTogether) {
    const std::string text = cold_start_text(a_start());
    for (const char* words : {"/usr/bin/python3, process 7: 100.0 ms to its end", "   10.000    10.000", "  loader\n", "(2 more)",
                              "1 were still under way"})
        EXPECT_NE(text.find(words), std::string::npos) << words << " in\n" << text;
    EXPECT_EQ(text.find("small"), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << "what a program calls its modules must not reach the terminal";
    EXPECT_NE(cold_start_text(a_start(), 0).find("small"), std::string::npos);
}

TEST(ColdStartJson, HoldsEverything) {
    const auto json = nlohmann::json::parse(cold_starts_json({a_start()}, 3));
    EXPECT_EQ(json.at("marks_lost"), 3);
    const auto& start = json.at("starts").at(0);
    EXPECT_EQ(start.at("phases").at(1).at("below").size(), 3u);
    EXPECT_EQ(start.at("phases").at(1).at("below").at(1).at("total").at("time_ns"), 400'000);
    EXPECT_EQ(start.at("phases").at(1).at("below").at(1).at("kind"), "module");
}

}  // namespace
}  // namespace autotune::render
