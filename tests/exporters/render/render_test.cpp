#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "exporters/render/flame_svg.hpp"
#include "exporters/render/folded.hpp"
#include "exporters/render/folded_reader.hpp"
#include "exporters/render/frame_tree.hpp"
#include "exporters/render/graph.hpp"
#include "exporters/render/json.hpp"
#include "exporters/render/text.hpp"
#include "tests/support/profiles.hpp"

namespace autotune::render {
namespace {

using autotune::testing::NamedStack;
using autotune::testing::profile_of;
using autotune::testing::stacks_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CleanText, KeepsWellFormedUtf8) { EXPECT_EQ(clean_text("naïve → 火 😀"), "naïve → 火 😀"); }

TEST(CleanText, ReplacesWhatIsNotText) {
    EXPECT_EQ(clean_text("a\xff"), "a\uFFFD");
    EXPECT_EQ(clean_text("\xc0\xaf"), "\uFFFD\uFFFD");            // overlong
    EXPECT_EQ(clean_text("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
    EXPECT_EQ(clean_text("\xe7\x81"), "\uFFFD\uFFFD");            // cut
    EXPECT_EQ(clean_text("\xf5\x80\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(clean_text(std::string_view("a\0b\x1b", 4)),
              "a\uFFFD"
              "b\uFFFD");
    EXPECT_EQ(clean_text("\xef\xbf\xbe"), "\uFFFD");  // U+FFFE
    EXPECT_EQ(clean_text("a\tb\nc"), "a b c");
}

TEST(XmlText, EscapesWhatXmlReads) {
    EXPECT_EQ(xml_text("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
}

TEST(XmlText, NeverLetsMarkupThroughWhateverTheBytes) {
    std::mt19937 random(1);
    for (int round = 0; round < 2'000; ++round) {
        std::string bytes(random() % 40, ' ');
        for (char& c : bytes) c = static_cast<char>(random());
        const std::string text = xml_text(bytes);
        EXPECT_EQ(text.find_first_of("<>\"'"), std::string::npos);
        EXPECT_EQ(clean_text(text), text);  // well formed, and stays as it is
    }
}

TEST(Text, IsCutBetweenCodePoints) {
    EXPECT_EQ(length_of("a→😀"), 3u);
    EXPECT_EQ(first_of("a→😀b", 2), "a→");
    EXPECT_EQ(first_of("ab", 9), "ab");
}

TEST(Text, TellsAmountsAsPeopleDo) {
    EXPECT_EQ(human_duration(1.2345), "1.23 s");
    EXPECT_EQ(human_duration(0.045), "45 ms");
    EXPECT_EQ(human_duration(12e-6), "12 µs");
    EXPECT_EQ(human_bytes(512), "512 B");
    EXPECT_EQ(human_bytes(1.5 * 1024 * 1024), "1.5 MiB");
}

TEST(Folded, IsPlainNamesRootFirstWithAnIntegerWeight) {
    const Profile p =
        profile_of({{{"main", "a;b", "libc.so.6+0x2a"}, 3}, {{"main", "a;b", "libc.so.6+0x2b"}, 4}, {{}, 5}});
    EXPECT_EQ(folded(p), "[unknown] 5\nmain;a:b;libc.so.6 7\n");
}

TEST(Folded, MakesOneLineOfWhatReadsAlike) {
    ProfileBuilder builder;
    for (const FrameKind kind : {FrameKind::native, FrameKind::kernel, FrameKind::unknown})
        builder.add_stack(std::vector{builder.frame({.name = "read", .kind = kind})}, 2);
    EXPECT_EQ(folded(std::move(builder).build("", ProfileUnit::count)), "read 6\n");
}

TEST(Folded, KeepsAPlusThatIsNoOffset) {
    EXPECT_EQ(folded(profile_of({{{"operator+", "a+0xyz", "+0x12"}, 1}})), "operator+;a+0xyz;+0x12 1\n");
}

TEST(Folded, ReadsWhatItAndOthersWrite) {
    const auto read = read_folded("main;a b;c 7\r\nmain;a b 2\n\nmain;a 1\nmain;a b;c 1\nmain;a bc 4\n", "t",
                                  ProfileUnit::count);
    ASSERT_TRUE(read);
    EXPECT_THAT(stacks_of(*read),
                ElementsAre(NamedStack({"main", "a"}, 1), NamedStack({"main", "a b"}, 2),
                            NamedStack({"main", "a b", "c"}, 8), NamedStack({"main", "a bc"}, 4)));
    EXPECT_EQ(read->unit, ProfileUnit::count);
    EXPECT_EQ(folded(*read), "main;a 1\nmain;a b 2\nmain;a b;c 8\nmain;a bc 4\n");
}

TEST(Folded, SaysInWhichLineTheTroubleIs) {
    EXPECT_EQ(read_folded("a 1\nb;c\n", "", ProfileUnit::count).error().message,
              "line 2: a line without a weight behind a blank");
    EXPECT_EQ(read_folded("a 1\n\nb -3\n", "", ProfileUnit::count).error().message,
              "line 3: \"-3\" is no whole number");
    EXPECT_EQ(read_folded("a 99999999999999999999\n", "", ProfileUnit::count).error().message,
              "line 1: a weight beyond 64 bits");
    EXPECT_FALSE(read_folded("a 18446744073709551615\nb 1\n", "", ProfileUnit::count));
}

TEST(FoldedReader, ReadsTheSameWhereverTheTextIsCut) {
    const std::string text = "main;a b;c 7\r\nmain;a b 2\n\nmain;[k] 1\n[truncated];x 3\nlast 4";
    const auto whole = read_folded(text, "t", ProfileUnit::count);
    ASSERT_TRUE(whole);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        FoldedReader reader;
        ASSERT_TRUE(reader.feed(std::string_view(text).substr(0, cut)));
        ASSERT_TRUE(reader.feed(std::string_view(text).substr(cut)));
        const auto pieces = reader.finish("t", ProfileUnit::count);
        ASSERT_TRUE(pieces);
        EXPECT_EQ(stacks_of(*pieces), stacks_of(*whole)) << "cut at " << cut;
    }
    EXPECT_EQ(whole->total(), 17u);
    EXPECT_EQ(whole->truncated, 3u);
}

// What does not begin as the line before is not looked for where lines ascend: names that begin as others do, and lines
// that go back after all.
TEST(FoldedReader, LooksForNamesThatBeginAlikeThoughLinesAscend) {
    for (const std::string text : {"a 1\na b 1\na b;c 1\na;b 1\na;b;c 1\na;bc 1\nb 1\n",
                                   "a 1\na b 1\na;b 1\na;b c;d 1\na;b;d 1\nb 1\na;b c;d 1\na;b;e 1\nc 1\n"}) {
        std::map<std::string, std::uint64_t> weights;
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
            const std::string line = text.substr(at, text.find('\n', at) - at);
            weights[line.substr(0, line.rfind(' '))] += 1;
        }
        std::string expected;
        for (const auto& [path, weight] : weights) expected += path + " " + std::to_string(weight) + "\n";
        const auto read = read_folded(text, "", ProfileUnit::count);
        ASSERT_TRUE(read);
        EXPECT_EQ(folded(*read), expected);
    }
}

TEST(FoldedReader, TakesWhatNamesTellOfTheirRuntime) {
    const auto read =
        read_folded("f (app.py:12);vfs_read_[k] 1\nf (app.py:x);_[k] 2\n", "", ProfileUnit::count);
    ASSERT_TRUE(read);
    std::vector<std::pair<std::string, FrameKind>> told;
    for (const ProfileFrame& f : read->frames) told.emplace_back(f.name, f.kind);
    using P = std::pair<std::string, FrameKind>;
    EXPECT_THAT(told, ElementsAre(P("f (app.py:12)", FrameKind::python), P("vfs_read", FrameKind::kernel),
                                  P("f (app.py:x)", FrameKind::unknown), P("_[k]", FrameKind::unknown)));
}

TEST(Folded, OfStacksInAnyOrderIsInOrder) {
    std::mt19937 random(5);
    std::map<std::string, std::uint64_t> weights;  // a reader and a writer of another kind
    std::string text;
    for (int i = 0; i < 20'000; ++i) {
        std::string path = "f" + std::to_string(random() % 3'000);  // wide at the root, narrow below
        for (int depth = static_cast<int>(random() % 6); depth > 0; --depth)
            path += ";g" + std::to_string(random() % (random() % 9 + 1));
        text += path + " 3\n";
        weights[path] += 3;
    }
    const auto read = read_folded(text, "", ProfileUnit::count);
    ASSERT_TRUE(read);
    std::string expected;
    for (const auto& [path, weight] : weights) expected += path + " " + std::to_string(weight) + "\n";
    EXPECT_EQ(folded(*read), expected);
}

// Enough of them that the reader sorts them, and puts them into a tree that is there already.
TEST(Folded, InNoOrderAreTheSameStacks) {
    constexpr std::uint32_t kStacks = 1'000'000, kRead = 400'000, kTwice = 5'000;
    std::vector<std::string> lines;
    for (std::uint32_t i = 0; i < kRead + kTwice; ++i) {
        std::uint32_t number = i % kRead * 7919 % kStacks;
        std::string line = i % 3 == 0 ? "main" : "[truncated]";
        // Of every length up to six frames of ten names.
        for (std::uint32_t depth = i % 7; depth > 0; --depth, number /= 10) line += ";frame-" + std::to_string(number % 10);
        for (std::uint32_t more = i % kRead; more > 0; more /= 16) line += ";" + std::to_string(more % 16);
        lines.push_back(line + " " + std::to_string(i % 90 + 1) + "\n");
    }
    const auto read = [&] {
        std::string text;
        for (const std::string& line : lines) text += line;
        return *read_folded(text, "", ProfileUnit::count);
    };
    const Profile mixed = read();
    std::ranges::sort(lines);
    const Profile sorted = read();
    EXPECT_GT(mixed.nodes.size(), 300'000u);
    EXPECT_EQ(mixed.nodes.size(), sorted.nodes.size());
    EXPECT_EQ(mixed.truncated, sorted.truncated);
    for (std::size_t i = 1; i < mixed.nodes.size(); ++i) ASSERT_LT(mixed.nodes[i].parent, i);
    EXPECT_TRUE(folded(mixed) == folded(sorted));
}

TEST(Folded, OfNothingIsNothing) { EXPECT_EQ(folded({}), ""); }

std::vector<std::string> told(const FrameTree& tree) {
    std::vector<std::string> out;
    for (const FrameBox& b : tree.boxes)
        out.push_back((b.hidden > 0 ? "#" + std::to_string(b.hidden) : b.name) + "@" +
                      std::to_string(b.left) + "+" + std::to_string(b.weight));
    return out;
}

TEST(FrameTree, MergesStacksFromTheRoot) {
    const Profile p = profile_of({{{"m"}, 1}, {{"m", "a"}, 2}, {{"m", "a", "x"}, 3}, {{"m", "b"}, 4}});
    EXPECT_THAT(told(frame_tree(p, {})), ElementsAre("all@0+10", "m@0+10", "a@1+5", "x@3+3", "b@6+4"));
}

TEST(FrameTree, DoesNotMergeEqualNamesBelowDifferentParents) {
    const Profile p = profile_of({{{"a", "x"}, 1}, {{"b", "x"}, 2}});
    EXPECT_THAT(told(frame_tree(p, {})), ElementsAre("all@0+3", "a@0+1", "x@0+1", "b@1+2", "x@1+2"));
}

TEST(FrameTree, MergesFramesThatDifferInTheirLineOnly) {
    ProfileBuilder builder;
    for (std::uint32_t line = 1; line <= 3; ++line)
        builder.add_stack(std::vector{builder.frame({.name = "f", .file = "f.c", .line = line})}, line);
    const Profile p = std::move(builder).build("", ProfileUnit::count);
    EXPECT_EQ(p.nodes.size(), 4u);
    EXPECT_THAT(told(frame_tree(p, {})), ElementsAre("all@0+6", "f@0+6"));
}

TEST(Compare, PutsTheWeightsOfBothSideBySide) {
    const Profile before = profile_of({{{"main", "slow"}, 10}, {{"main", "gone"}, 5}});
    const Profile after = profile_of({{{"main", "slow"}, 4}, {{"main", "new"}, 6}});
    const Profile both = compare(before, after);
    EXPECT_EQ(both.total(), 10u);
    EXPECT_EQ(both.total_before(), 15u);
    std::vector<std::string> told;
    for (const FrameBox& b : frame_tree(both, {}).boxes)
        told.push_back(b.name + " " + std::to_string(b.before) + "->" + std::to_string(b.weight));
    EXPECT_THAT(told, ElementsAre("all 15->10", "main 15->10", "new 0->6", "slow 10->4"));
}

TEST(FrameTree, DrawsNarrowNeighboursTogetherAndCountsThem) {
    const Profile p =
        profile_of({{{"a"}, 10}, {{"b"}, 2}, {{"c", "y"}, 2}, {{"d"}, 2}, {{"e"}, 10}, {{"f"}, 1}});
    const FrameTree tree = frame_tree(p, {.min_weight = 4});
    EXPECT_THAT(told(tree), ElementsAre("all@0+27", "a@0+10", "#3@10+6", "e@16+10"));
    EXPECT_EQ(tree.frames, 7u);
    EXPECT_EQ(tree.hidden, 5u);  // b, c, y, d and f; f alone is too narrow even as a group
}

TEST(FrameTree, StaysBelowItsBoundsInWidthAndDepth) {
    std::vector<NamedStack> stacks;
    for (int i = 0; i < 50'000; ++i)
        stacks.push_back({{"m", "f" + std::to_string(i)}, 1 + static_cast<std::uint64_t>(i % 7)});
    stacks.push_back({std::vector<std::string>(100'000, "recurse"), 1'000});
    const FrameTree tree = frame_tree(profile_of(stacks), {.max_boxes = 500, .max_depth = 100});
    EXPECT_LE(tree.boxes.size(), 1'000u);
    EXPECT_EQ(tree.depth, 100u);
    EXPECT_EQ(tree.cut_weight, 1'000u);
    EXPECT_EQ(tree.boxes[0].weight, tree.total);
}

TEST(FrameTree, NeverDrawsAChildWiderThanItsParent) {
    std::mt19937 random(3);
    for (int round = 0; round < 100; ++round) {
        std::vector<NamedStack> stacks;
        for (int i = 0; i < 60; ++i) {
            std::vector<std::string> frames(random() % 6);
            for (auto& f : frames) f = std::string(1, static_cast<char>('a' + random() % 3));
            stacks.push_back({frames, random() % 20});
        }
        const FrameTree tree = frame_tree(profile_of(stacks), {.min_weight = random() % 40});
        std::vector<FrameBox> path;
        for (const FrameBox& box : tree.boxes) {
            while (!path.empty() && path.back().depth >= box.depth) {
                if (path.back().depth == box.depth) {
                    EXPECT_GE(box.left, path.back().left + path.back().weight);
                }
                path.pop_back();
            }
            if (!path.empty()) {
                EXPECT_EQ(path.back().depth + 1, box.depth);
                EXPECT_GE(box.left, path.back().left);
                EXPECT_LE(box.left + box.weight, path.back().left + path.back().weight);
            }
            path.push_back(box);
        }
    }
}

TEST(FlameSvg, SaysWhatItDoesNotShow) {
    std::vector<NamedStack> stacks{{std::vector<std::string>(300, "deep"), 1'000'000}};
    for (int i = 0; i < 100; ++i) stacks.push_back({{"tiny" + std::to_string(i)}, 1});
    const std::string svg = flame_svg(profile_of(stacks, "big", 500'000));
    EXPECT_THAT(svg, HasSubstr("100 of 356 boxes are too narrow"));
    EXPECT_THAT(svg, HasSubstr("is deeper than 256 levels and cut"));
    EXPECT_THAT(svg, HasSubstr("in stacks that do not reach their start"));
    EXPECT_THAT(svg, Not(HasSubstr("tiny1")));
}

TEST(FlameSvg, NeedsNoNetwork) {
    const std::string svg = flame_svg(profile_of({{{"a"}, 1}}, "t"));
    EXPECT_THAT(svg, Not(HasSubstr("href")));
    EXPECT_THAT(svg, Not(HasSubstr("url(")));
    EXPECT_THAT(svg, Not(HasSubstr("import")));
}

TEST(FlameSvg, DoesNotExecuteNames) {
    const std::string evil = "</title><script>alert(1)</script>\"onclick=\"x ]]>";
    const std::string svg = flame_svg(profile_of({{{evil}, 1}}, evil), {.subtitle = evil});
    EXPECT_THAT(svg, Not(HasSubstr("<script>alert")));
    EXPECT_THAT(svg, Not(HasSubstr("\"onclick")));
    EXPECT_EQ(svg.find("]]>"), svg.rfind("]]>"));  // only our own
}

TEST(Graph, EscapesNamesForEachLanguage) {
    const ServiceGraph g{.nodes = {{"a\"b\\c#\n", NodeKind::process}}, .edges = {}};
    EXPECT_THAT(graph_dot(g), HasSubstr(R"("a\"b\\c# ")"));
    EXPECT_THAT(graph_mermaid(g), HasSubstr("a#quot;b\\c#35; "));
    EXPECT_THAT(graph_json(g), HasSubstr(R"("a\"b\\c#\n")"));
}

TEST(InvocationJson, IsOneLineWhateverIsInIt) {
    Invocation i;
    i.error_type = "two\nlines \xff";
    EXPECT_EQ(invocation_json(i).find('\n'), std::string::npos);
}

TEST(FactsJson, TellsUnknownAsNull) {
    FunctionFacts f;
    EXPECT_THAT(facts_json(f), HasSubstr("\"fn.p95\":null"));
}

}  // namespace
}  // namespace autotune::render
