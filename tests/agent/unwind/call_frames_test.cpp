#include "agent/unwind/call_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <vector>

namespace autotune::unwind {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put32(Bytes& out, std::uint32_t v) {
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
}

// A section with one common entry ("zR", pc-relative addresses, CFA = rsp+8, return address at CFA-8) and
// functions.
class EhFrame {
public:
    static constexpr std::uint64_t kAddress = 0x1000;

    explicit EhFrame(const Bytes& augmentation = {'z', 'R', 0}, const Bytes& data = {0x1b}, std::size_t nops = 0) {
        Bytes body;
        put32(body, 0);
        body.push_back(1);
        body.insert(body.end(), augmentation.begin(), augmentation.end());
        body.insert(body.end(), {1, 0x78, 16, static_cast<std::uint8_t>(data.size())});
        body.insert(body.end(), data.begin(), data.end());
        body.insert(body.end(), {0x0c, 7, 8, 0x90, 1});
        body.resize(body.size() + nops);
        entry(body);
    }
    EhFrame& function(std::uint32_t start, std::uint32_t length, const Bytes& instructions) {
        Bytes body;
        const auto here = static_cast<std::uint32_t>(bytes_.size() + 4);
        put32(body, here);  // back to the section's first entry
        put32(body, start - (static_cast<std::uint32_t>(kAddress) + here + 4));
        put32(body, length);
        body.push_back(0);
        body.insert(body.end(), instructions.begin(), instructions.end());
        entry(body);
        return *this;
    }
    EhFrame& raw(const Bytes& bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    [[nodiscard]] FrameRows read() const {
        const FrameBytes section{bytes_, kAddress, FrameSection::eh_frame};
        return read_call_frames({&section, 1});
    }
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }

private:
    void entry(const Bytes& body) {
        put32(bytes_, static_cast<std::uint32_t>(body.size()));
        bytes_.insert(bytes_.end(), body.begin(), body.end());
    }
    Bytes bytes_;
};

std::vector<std::string> told(const FrameRows& rows) {
    static constexpr const char* kNames[] = {"none",      "end",       "rsp", "rbp",
                                             "deref_rbp", "deref_rsp", "plt", "signal"};
    std::vector<std::string> out;
    char text[96];
    for (const FrameRow& r : rows.rows) {
        std::snprintf(text, sizeof text, "%llx %s%+d rbp %s%+d", static_cast<unsigned long long>(r.address),
                      kNames[static_cast<int>(r.recipe.cfa)], r.recipe.cfa_offset,
                      r.recipe.rbp == RbpRule::same     ? "same"
                      : r.recipe.rbp == RbpRule::at_cfa ? "cfa"
                                                        : "at",
                      r.recipe.rbp_offset);
        out.emplace_back(text);
    }
    return out;
}

using ::testing::ElementsAre;

TEST(CallFrames, FollowAFunctionThroughItsPrologue) {
    // push rbp (1 byte), mov rsp,rbp (3), …, leave, ret
    const FrameRows rows =
        EhFrame()
            .function(0x5000, 0x40, {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x70, 0x0c, 7, 8, 0xc6})
            .read();
    EXPECT_THAT(told(rows),
                ElementsAre("5000 rsp+8 rbp same+0", "5001 rsp+16 rbp cfa-16", "5004 rbp+16 rbp cfa-16",
                            "5034 rsp+8 rbp same+0", "5040 none+0 rbp same+0"));
    EXPECT_EQ(rows.functions, 1u);
    EXPECT_EQ(rows.damaged, 0u);
}

TEST(CallFrames, AreNotKnownBetweenFunctions) {
    const FrameRows rows =
        EhFrame().function(0x5000, 0x10, {}).function(0x6000, 0x10, {}).function(0x6010, 0x10, {}).read();
    EXPECT_THAT(told(rows), ElementsAre("5000 rsp+8 rbp same+0", "5010 none+0 rbp same+0",
                                        "6000 rsp+8 rbp same+0", "6020 none+0 rbp same+0"));
}

TEST(CallFrames, RememberAndRestore) {
    const FrameRows rows =
        EhFrame().function(0x5000, 0x20, {0x41, 0x0e, 32, 0x0a, 0x44, 0x0e, 8, 0x41, 0x0b}).read();
    EXPECT_THAT(told(rows),
                ElementsAre("5000 rsp+8 rbp same+0", "5001 rsp+32 rbp same+0", "5005 rsp+8 rbp same+0",
                            "5006 rsp+32 rbp same+0", "5020 none+0 rbp same+0"));
}

TEST(CallFrames, KnowTheEndOfAStackSignalsAndTheLinkageTable) {
    EXPECT_THAT(told(EhFrame().function(0x5000, 4, {0x07, 16}).read()),
                ElementsAre("5000 end+0 rbp same+0", "5004 none+0 rbp same+0"));
    EXPECT_THAT(
        told(EhFrame()
                 .function(0x5000, 64, {0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22})
                 .read()),
        ElementsAre("5000 plt+11 rbp same+0", "5040 none+0 rbp same+0"));
    EXPECT_THAT(told(EhFrame({'z', 'R', 'S', 0}).function(0x5000, 9, {0x0f, 4, 0x77, 0xa0, 1, 0x06}).read()),
                ElementsAre("5000 signal+0 rbp same+0", "5009 none+0 rbp same+0"));
    EXPECT_THAT(told(EhFrame().function(0x5000, 9, {0x0f, 6, 0x77, 0x98, 1, 0x06, 0x23, 8}).read()),
                ElementsAre("5000 deref_rsp+152 rbp same+0", "5009 none+0 rbp same+0"));
    // A function that aligns its stack: CFA = *(rbp-8), rbp = *rbp.
    EXPECT_THAT(told(EhFrame().function(0x5000, 9, {0x0f, 3, 0x76, 0x78, 0x06, 0x10, 6, 2, 0x76, 0}).read()),
                ElementsAre("5000 deref_rbp-8 rbp at+0", "5009 none+0 rbp same+0"));
}

TEST(CallFrames, CutWhereARuleIsBeyondThem) {
    const FrameRows rows =
        EhFrame().function(0x5000, 0x10, {0x42, 0x0c, 10, 0, 0x44, 0x0c, 7, 8}).read();  // CFA = r10
    EXPECT_THAT(told(rows), ElementsAre("5000 rsp+8 rbp same+0", "5002 none+0 rbp same+0",
                                        "5006 rsp+8 rbp same+0", "5010 none+0 rbp same+0"));
    EXPECT_EQ(rows.unsupported, 1u);
}

TEST(CallFrames, CountWhatIsDamagedAndGoOn) {
    const FrameRows rows = EhFrame()
                               .function(0x5000, 0x10, {0x0b})        // restores what was never remembered
                               .function(0x6000, 0x10, {0x3f})        // no such instruction
                               .function(0x7000, 0x10, {0x0e, 0x80})  // a number without an end
                               .function(0x8000, 0x10, {})
                               .read();
    EXPECT_EQ(rows.damaged, 3u);
    EXPECT_THAT(told(rows), ElementsAre("8000 rsp+8 rbp same+0", "8010 none+0 rbp same+0"));
    EXPECT_EQ(EhFrame().raw({1, 2, 3}).read().damaged, 1u);
    EXPECT_EQ(EhFrame({'z', 'Q', 0}).function(0x5000, 4, {}).read().damaged, 2u);  // what is Q?
}

// They are run for each function anew.
TEST(CallFrames, AreDamagedWhereTheCommonInstructionsGoOnForEver) {
    const auto damaged = [](std::size_t nops) {
        return EhFrame({'z', 'R', 0}, {0x1b}, nops).function(0x5000, 4, {}).function(0x6000, 4, {}).read().damaged;
    };
    EXPECT_EQ(damaged(500), 0u);
    EXPECT_EQ(damaged(1000), 2u);
}

TEST(CallFrames, TakeEarlierDescriptionsOfTwo) {
    const FrameRows rows = EhFrame().function(0x5000, 0x20, {}).function(0x5010, 0x20, {0x0e, 64}).read();
    EXPECT_THAT(told(rows),
                ElementsAre("5000 rsp+8 rbp same+0", "5020 rsp+64 rbp same+0", "5030 none+0 rbp same+0"));
}

TEST(CallFrames, SurviveAnyBytes) {
    const Bytes whole =
        EhFrame()
            .function(0x5000, 0x40, {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x0a, 0x41, 0x0b})
            .function(0x6000, 0x40, {0x0f, 4, 0x77, 0xa0, 1, 0x06})
            .bytes();
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        Bytes bytes = whole;
        for (unsigned i = 0; i <= random() % 4; ++i)
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        bytes.resize(bytes.size() - random() % 8);
        for (const auto kind : {FrameSection::eh_frame, FrameSection::debug_frame}) {
            const FrameBytes section{bytes, random() % 2 == 0 ? 0x1000 : ~std::uint64_t{0} - 10, kind};
            const FrameRows rows = read_call_frames({&section, 1});
            EXPECT_TRUE(
                std::is_sorted(rows.rows.begin(), rows.rows.end(),
                               [](const FrameRow& a, const FrameRow& b) { return a.address < b.address; }));
        }
    }
}

}  // namespace
}  // namespace autotune::unwind
