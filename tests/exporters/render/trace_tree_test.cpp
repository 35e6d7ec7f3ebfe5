#include "exporters/render/trace_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace autotune::render {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// One thread that waits once for long, and does many small things.
class TraceTreeOf : public ::testing::Test {
protected:
    // Adds a sibling at the end of the thread's children.
    TraceNode& add(const std::string& path, Nanos total) {
        const auto index = static_cast<std::uint32_t>(trace_.nodes.size());
        if (last_ != kNoNode) trace_.nodes[last_].next = index;
        last_ = index;
        return trace_.nodes.emplace_back(
            TraceNode{.deed = {.kind = DeedKind::io,
                               .code = static_cast<std::uint8_t>(IoOp::read),
                               .text = tables_.strings.intern(path)},
                      .count = 1,
                      .total = total,
                      .slowest = total});
    }

    std::string text() const {
        std::ostringstream out;
        trace_tree(out, {trace_, tables_, setting_}, 0, {.marks = Marks::ascii});
        return out.str();
    }

private:
    Trace trace_;
    Tables tables_;
    TraceSetting setting_;
    std::uint32_t last_ = kNoNode;
};

TEST_F(TraceTreeOf, FewLinesIsWhole) {
    add("/long", Nanos(1'000'000'000));
    add("/short", Nanos(10));
    EXPECT_THAT(text(), HasSubstr("/short"));
    EXPECT_THAT(text(), Not(HasSubstr("left out")));
}

TEST_F(TraceTreeOf, ManyLinesLeavesOutWhatIsSmallAndCountsIt) {
    add("/long", Nanos(1'000'000'000));
    for (int i = 0; i < 100; ++i) add("/short" + std::to_string(i), Nanos(10));
    EXPECT_THAT(text(), HasSubstr("/long"));
    EXPECT_THAT(text(), Not(HasSubstr("/short")));
    EXPECT_THAT(text(), HasSubstr("(100 parts of less than 0.1 % each are left out; --json has all)"));
}

TEST_F(TraceTreeOf, ManyLinesStillShowsWhatFailed) {
    add("/long", Nanos(1'000'000'000));
    for (int i = 0; i < 100; ++i) add("/short", Nanos(10));
    add("/missing", Nanos(10)).failures = 1;
    EXPECT_THAT(text(), HasSubstr("/missing"));
}

}  // namespace
}  // namespace autotune::render
