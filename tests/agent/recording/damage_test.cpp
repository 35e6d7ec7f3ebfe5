// Recordings that were cut, damaged, or never were any: one clear error, and what was whole is given.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "agent/replay/replay_source.hpp"
#include "tests/agent/recording/recorded.hpp"

namespace autotune::recording {
namespace {

struct Outcome {
    std::string error;  // empty: none
    std::vector<std::vector<Event>> polls;
};

ByteSource of_text(const std::string& text) {
    return {"file", [text, at = std::size_t{0}](char* to, std::size_t size) mutable -> Result<std::size_t> {
                const std::size_t part = std::min(size, text.size() - at);
                std::memcpy(to, text.data() + at, part);
                at += part;
                return part;
            }};
}

Outcome read(const std::string& text) {
    Outcome outcome;
    auto reader = RecordingReader::open(of_text(text));
    if (!reader) return outcome.error = reader.error().message, outcome;
    for (EventBatch batch;; batch.events.clear()) {
        const auto more = reader->next(batch);
        if (!more) return outcome.error = more.error().message, outcome;
        if (!*more) return outcome;
        outcome.polls.push_back(batch.events);
    }
}

class Damage : public ::testing::Test {
protected:
    void SetUp() override {
        auto writer = RecordingWriter::create(scratch / "whole");
        EventBatch batch;
        testing::fill(batch);
        ASSERT_TRUE(writer->write(batch));
        ASSERT_TRUE(writer->note("key", "value"));
        ASSERT_TRUE(writer->write(batch));
        ASSERT_TRUE(writer->finish());
        whole = testing::bytes_of(scratch / "whole");
        poll = testing::encoded(batch.events);
        ASSERT_EQ(read(whole).error, "");
        ASSERT_EQ(read(whole).polls.size(), 2u);
    }
    testing::Scratch scratch;
    std::string whole, poll;
};

TEST_F(Damage, ACutFileGivesWhatIsWholeAndSaysWhereItEnds) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Outcome cut = read(whole.substr(0, size));
        ASSERT_NE(cut.error, "") << size;
        ASSERT_EQ(cut.error.find('\n'), std::string::npos);
        for (const auto& events : cut.polls) ASSERT_EQ(testing::encoded(events), poll) << size;
    }
    const Outcome late = read(whole.substr(0, whole.size() - 1));
    EXPECT_EQ(late.polls.size(), 2u);
    EXPECT_EQ(late.error.substr(0, 11), "file: byte ");
}

TEST_F(Damage, AnyDamagedByteIsNoticed) {
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (const char flip : {'\x01', '\x80'}) {
            std::string bytes = whole;
            bytes[at] = static_cast<char>(bytes[at] ^ flip);
            const Outcome damaged = read(bytes);
            ASSERT_NE(damaged.error, "") << at;
            for (const auto& events : damaged.polls) ASSERT_EQ(testing::encoded(events), poll) << at;
        }
}

TEST_F(Damage, AForeignFileIsNamedAsSuch) {
    for (const std::string& text : {std::string(), std::string("hello"), std::string(100'000, '\0'), whole.substr(1)})
        EXPECT_EQ(read(text).error, "file: not a recording of autotune trace");
}

TEST_F(Damage, AnotherVersionIsRefused) {
    whole[8] = 9;
    EXPECT_EQ(read(whole).error, "file: the recording is of version 9, this program reads version 8");
}

TEST_F(Damage, ABlockThatClaimsMuchIsRefusedBeforeMemoryIsTaken) {
    std::string bytes = whole.substr(0, 9) + std::string("\x05\xff\xff\xff\x0f\0\0\0\0", 9);
    EXPECT_EQ(read(bytes).error, "file: byte 9: the file ends within this block");
    bytes.replace(10, 4, "\xff\xff\xff\xff");
    EXPECT_EQ(read(bytes).error, "file: byte 9: a block of 4294967295 bytes is too large");
}

TEST_F(Damage, ACutCompressedFileGivesWhatIsWhole) {
    auto writer = RecordingWriter::create(scratch / "x.gz");
    EventBatch batch;
    testing::fill(batch);
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(writer->write(batch));
    ASSERT_TRUE(writer->finish());
    std::filesystem::resize_file(scratch / "x.gz", std::filesystem::file_size(scratch / "x.gz") / 2);
    ReplaySource source(scratch / "x.gz");
    ASSERT_TRUE(source.start());
    std::size_t polls = 0;
    for (EventBatch given;; ++polls) {
        const auto polled = source.poll(Nanos(0), given);
        if (!polled) {
            EXPECT_NE(polled.error().message.find("x.gz: byte "), std::string::npos) << polled.error().message;
            break;
        }
        ASSERT_EQ(polled->state, PollState::ready);
        given.events.clear();
    }
    EXPECT_GT(polls, 0u);
    EXPECT_LT(polls, 2000u);
}

}  // namespace
}  // namespace autotune::recording
