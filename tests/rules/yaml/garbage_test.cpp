// Damaged files: whatever they hold, the loader answers with rules or with reasons.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "rules/yaml/load.hpp"

namespace autotune::rules {
namespace {

std::string example() {
    std::ifstream in(AUTOTUNE_SOURCE_DIR "/examples/rules.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void expect_an_answer(const std::string& text) {
    const Loaded loaded = load(text, "garbage.yaml");
    EXPECT_NE(loaded.rules.has_value(), has_errors(loaded.diagnostics)) << text;
}

TEST(Garbage, EveryPrefixOfAFileHasAnAnswer) {
    const std::string whole = example();
    ASSERT_GT(whole.size(), 1000u);
    for (std::size_t n = 0; n < whole.size(); n += 7) expect_an_answer(whole.substr(0, n));
}

TEST(Garbage, ReplacedBytesHaveAnAnswer) {
    const std::string whole = example();
    constexpr std::string_view kBytes = "{}[]:,-#&*!|>'\"%@`\t\n ?~<0a\\\xff\x00\xc3";
    std::mt19937 random(11);
    for (int round = 0; round < 400; ++round) {
        std::string text = whole;
        for (int i = 0; i < 3; ++i) text[random() % text.size()] = kBytes[random() % kBytes.size()];
        expect_an_answer(text);
    }
}

TEST(Garbage, DeepNestingIsAnError) {
    for (const char* opening : {"[", "{a: ", "- ", "? "}) {
        std::string text;
        for (int i = 0; i < 5000; ++i) text += opening;
        EXPECT_FALSE(load(text, "deep.yaml").rules) << opening;
    }
}

TEST(Garbage, TabsAndBinaryAreNamed) {
    const auto first = [](std::string_view text) { return format(load(text, "x").diagnostics.at(0), "x"); };
    EXPECT_EQ(first("version: 1\nrules:\n\t- name: a\n"), "x:3:2: tabs may not indent YAML; use spaces");
    EXPECT_EQ(first(std::string_view("version: 1\n a\0b", 15)),
              "x:2:3: a control character; this is not a text file");
    EXPECT_EQ(first("version: \xff"), "x: the file is not UTF-8");
}

TEST(Garbage, MessagesStayOnOneLine) {
    const Loaded loaded = load("version: 1\nrules: []\n\"a\\nb\\e[2J\": 1\n", "x");
    ASSERT_FALSE(loaded.diagnostics.empty());
    bool repeated = false;
    for (const Diagnostic& d : loaded.diagnostics) {
        EXPECT_EQ(d.message.find_first_of("\n\x1b"), std::string::npos) << d.message;
        repeated |= d.message.find("a b") != std::string::npos;
    }
    EXPECT_TRUE(repeated);
}

TEST(Garbage, ASecondDocumentIsAnError) {
    const Loaded loaded = load("version: 1\nrules: []\n---\nversion: 1\n", "x");
    EXPECT_FALSE(loaded.rules);
    EXPECT_EQ(format(loaded.diagnostics.back(), "x"), "x:4:1: a second document; only one is read");
}

}  // namespace
}  // namespace autotune::rules
