#include "agent/capture/capture_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/agent/capture/packets.hpp"

namespace autotune {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void put32(Bytes& to, std::uint32_t value) {
    put16(to, value >> 16), put16(to, value & 0xFFFF);
}

// Big-endian, as a foreign machine wrote it; nanoseconds.
Bytes pcap(unsigned link, const std::vector<std::pair<std::uint32_t, Bytes>>& packets) {
    Bytes out;
    put32(out, 0xA1B23C4D);
    put16(out, 2), put16(out, 4), put32(out, 0), put32(out, 0), put32(out, 65'535), put32(out, link);
    for (const auto& [nanos, packet] : packets) {
        put32(out, 3), put32(out, nanos);
        put32(out, static_cast<std::uint32_t>(packet.size())), put32(out, static_cast<std::uint32_t>(packet.size()));
        out = out + packet;
    }
    return out;
}

class CaptureReader : public testing::Test {
protected:
    Result<CaptureCounters> read(const Bytes& bytes) {
        const std::string path = testing::TempDir() + "capture_reader_test.pcap";
        std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return read_capture(path, [&](const Segment& s, std::int64_t time) {
            told_.push_back(std::to_string(time) + " " + s.source.host() + ">" + s.target.host());
        });
    }
    std::vector<std::string> told_;
    const Bytes packet_ = ethernet(0x0800, ipv4(1, 2, 6, tcp(5, 80, syn)));
};

TEST_F(CaptureReader, TellsWhenToTheNanosecondAndCountsWhatItCannotUse) {
    const auto read_ = read(pcap(1, {{7, packet_}, {8, Bytes(60, 0)}, {999'999'999, packet_}}));
    ASSERT_TRUE(read_);
    EXPECT_EQ(read_->packets, 3u);
    EXPECT_EQ(read_->others, 1u);
    EXPECT_EQ(read_->broken_off, "");
    EXPECT_THAT(told_, ElementsAre("3000000007 10.0.0.1>10.0.0.2", "3999999999 10.0.0.1>10.0.0.2"));
}

TEST_F(CaptureReader, UsesWhatComesBeforeABreak) {
    Bytes bytes = pcap(1, {{7, packet_}, {8, packet_}});
    bytes.resize(bytes.size() - 5);
    const auto read_ = read(bytes);
    ASSERT_TRUE(read_);
    EXPECT_THAT(told_, ElementsAre("3000000007 10.0.0.1>10.0.0.2"));
    EXPECT_THAT(read_->broken_off, HasSubstr("truncated"));
}

TEST_F(CaptureReader, RefusesWhatBreaksOffBeforeItsFirstPacketButNotWhatHasNone) {
    Bytes bytes = pcap(1, {{7, packet_}});
    bytes.resize(bytes.size() - 5);
    const auto broken = read(bytes);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Errc::corrupt);
    EXPECT_THAT(broken.error().message, HasSubstr("no packet can be read: truncated"));
    EXPECT_TRUE(read(pcap(1, {})));
}

TEST_F(CaptureReader, RefusesWhatIsNoCaptureAndLinksItDoesNotKnow) {
    const auto text = read(Bytes{'s', 't', 'a', 'r', 't', ',', 'e', 'n', 'd', '\n'});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Errc::corrupt);
    EXPECT_THAT(text.error().message, HasSubstr("no packet capture"));
    const auto wireless = read(pcap(105, {{7, packet_}}));
    ASSERT_FALSE(wireless);
    EXPECT_EQ(wireless.error().code, Errc::unsupported);
    EXPECT_THAT(wireless.error().message, HasSubstr("IEEE802_11"));
    const auto none = read_capture("/nowhere/none.pcap", [](const Segment&, std::int64_t) {});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Errc::not_found);
}

}  // namespace
}  // namespace autotune
