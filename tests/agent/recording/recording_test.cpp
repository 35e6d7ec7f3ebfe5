#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/replay/replay_source.hpp"
#include "tests/agent/recording/recorded.hpp"

namespace autotune::recording {
namespace {

using testing::bytes_of;
using testing::encoded;
using testing::fill;

class Recording : public ::testing::Test {
protected:
    // Writes the batch twice, as two polls; the second brings new names.
    void write(const std::filesystem::path& path) {
        auto writer = RecordingWriter::create(path);
        ASSERT_TRUE(writer) << writer.error().message;
        EventBatch batch;
        ASSERT_TRUE(writer->note("backend", "bpf"));
        fill(batch);
        polls.push_back(batch.events);
        ASSERT_TRUE(writer->write(batch));
        batch.events.clear();
        ASSERT_TRUE(writer->write(batch)) << "a poll that gave nothing";
        batch.events = {polls[0][0]};
        batch.events[0].body = VariableSeen{.expression = batch.tables.strings.intern("len(items)"),
                                            .value = batch.tables.strings.intern("3")};
        polls.push_back(batch.events);
        ASSERT_TRUE(writer->write(batch));
        ASSERT_TRUE(writer->note("status", "0"));
        ASSERT_TRUE(writer->finish());
    }
    testing::Scratch scratch;
    std::vector<std::vector<Event>> polls;
};

TEST_F(Recording, GivesTheSamePollsWithTheSameIds) {
    for (const char* name : {"plain", "compressed.gz"}) {
        polls.clear();
        write(scratch / name);
        ReplaySource source(scratch / name);
        ASSERT_TRUE(source.start());
        EventBatch batch;
        for (const auto& poll : polls) {
            batch.events.clear();
            const auto polled = source.poll(Nanos(0), batch);
            ASSERT_TRUE(polled) << polled.error().message;
            EXPECT_EQ(polled->state, PollState::ready);
            EXPECT_EQ(encoded(batch.events), encoded(poll));
        }
        EXPECT_EQ(source.poll(Nanos(0), batch)->state, PollState::ended);
        EXPECT_EQ(source.poll(Nanos(0), batch)->state, PollState::ended);
        EXPECT_EQ(source.notes(), (std::vector<Note>{{"backend", "bpf"}, {"status", "0"}}));
        const auto& seen = std::get<VariableSeen>(batch.events[0].body);
        EXPECT_EQ(batch.tables.strings[seen.expression], "len(items)");
    }
}

TEST_F(Recording, IsTheSameFileWhenItIsRecordedAgain) {
    write(scratch / "first");
    ReplaySource source(scratch / "first");
    ASSERT_TRUE(source.start());
    auto writer = RecordingWriter::create(scratch / "second");
    ASSERT_TRUE(writer->note("backend", "bpf"));
    EventBatch batch;
    while (source.poll(Nanos(0), batch)->state == PollState::ready) {
        ASSERT_TRUE(writer->write(batch));
        batch.events.clear();
    }
    ASSERT_TRUE(writer->note("status", "0"));
    ASSERT_TRUE(writer->finish());
    EXPECT_EQ(bytes_of(scratch / "first"), bytes_of(scratch / "second"));
}

TEST_F(Recording, SpeaksTheIdsOfTablesThatOthersUseToo) {
    write(scratch / "file");
    ReplaySource source(scratch / "file");
    ASSERT_TRUE(source.start());
    EventBatch batch;
    batch.tables.strings.intern("somebody else's");
    batch.tables.frames.intern({.name = StringId(2)});
    ASSERT_TRUE(source.poll(Nanos(0), batch));
    bool found = false;
    for (const Event& event : batch.events)
        if (const auto* call = std::get_if<CallDone>(&event.body); call != nullptr && call->depth == 3) {
            const Frame& frame = batch.tables.frames[call->function];
            found = batch.tables.strings[frame.name] == "handler" && frame.line == 42;
        }
    EXPECT_TRUE(found);
}

TEST_F(Recording, TakesFewBytesForACall) {
    EventBatch batch;
    for (int i = 0; i < 1000; ++i)
        batch.events.push_back({.at = from_ns(5'000'000'000 + i * 700), .process = {4242, 77'000'000'000},
                                .thread = ThreadId(4242), .cgroup = CgroupId(12345), .by = Backend::runtime,
                                .body = CallDone{.depth = 9, .duration = Nanos(650), .bias = Nanos(80)}});
    EXPECT_LT(encoded(batch.events).size(), 12'000u);
}

TEST_F(Recording, SaysWhyAFileCannotBeWritten) {
    const auto writer = RecordingWriter::create("/absent/folder/file");
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().message, "writing /absent/folder/file: No such file or directory");
}

TEST_F(Recording, AFullDiskIsAnError) {
    auto writer = RecordingWriter::create("/dev/full");
    ASSERT_TRUE(writer);
    const Status written = writer->finish();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().message, "writing /dev/full: No space left on device");
}

}  // namespace
}  // namespace autotune::recording
