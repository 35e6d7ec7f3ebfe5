// Rings of processes that lie: the reader comes to an end and says that it could not read.
#include <fcntl.h>
#include <sys/mman.h>

#include "agent/runtime/ring_reader.hpp"
#include "tests/agent/runtime/ring_child.hpp"

namespace autotune {
namespace {

class HostileRing : public ::testing::Test {
protected:
    void SetUp() override {
        fd_ = Fd(memfd_create("ring", MFD_CLOEXEC));
        ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(AT_RING_BYTES)), 0);
        header_.magic = AT_RING_MAGIC;
        header_.version = AT_RING_VERSION;
        header_.kind = AT_RING_NATIVE;
        header_.clock = AT_RING_MONOTONIC;
        header_.slots_used = 1;
        header_.names_used = 8;
        slot_.state = AT_RING_SLOT_LIVE;
        slot_.generation = 1;
        slot_.edges = 2;
    }
    template <class T>
    void put(std::uint64_t offset, const T& value) const {
        ASSERT_EQ(pwrite(fd_.get(), &value, sizeof value, static_cast<off_t>(offset)),
                  static_cast<ssize_t>(sizeof value));
    }
    // Everything that can be asked of a reader; how many events came of it.
    void read_it() {
        put(0, header_);
        put(AT_RING_SLOTS_AT, slot_);
        auto file = runtime::RingFile::adopt(Fd(dup(fd_.get())));
        ASSERT_TRUE(file.has_value());
        runtime::RingReader reader(std::move(*file), {.process = {1 << 30, 0}}, symbolizer_);
        for (int i = 0; i < 3; ++i) (void)reader.drain(1000, batch_);
        reader.tell_totals(batch_);
        reader.cut_open_calls(from_ns(1'000'000'000), batch_);
    }
    [[nodiscard]] std::uint64_t undecodable() const {
        std::uint64_t count = 0;
        for (const Event& event : batch_.events)
            if (const auto* lost = std::get_if<Lost>(&event.body);
                lost && lost->kind == LossKind::undecodable)
                count += lost->count;
        return count;
    }

    Fd fd_;
    at_ring_header header_{};
    at_ring_slot slot_{};
    symbols::Symbolizer symbolizer_{{.proc = "/nonexistent"}};
    EventBatch batch_;
};

TEST_F(HostileRing, RecordsInAChunkThatDoesNotExist) {
    slot_.records = 1'000'000'000;
    slot_.chunks[0] = 77'777'777;
    read_it();
    EXPECT_EQ(undecodable(), 1'000'000'000u);
}

TEST_F(HostileRing, AChunkThatIsItsOwnNext) {
    slot_.records = 1'000'000;
    slot_.chunks[0] = 1;
    put(AT_RING_OWNERS_AT, at_ring_owner{.slot = 1, .next = 1});
    read_it();
    EXPECT_LE(batch_.events.size(), 4000u);
}

TEST_F(HostileRing, AnEdgeThatDoesNotExist) {
    slot_.records = 1;
    slot_.chunks[0] = 1;
    put(AT_RING_CHUNKS_AT,
        at_ring_record{.begin = 1, .end = 2, .below = 0, .edge = 4'000'000'000u, .depth_how = 0});
    read_it();
    EXPECT_EQ(undecodable(), 1u);
}

TEST_F(HostileRing, TimesAndCountsAtTheEndsOfTheirRange) {
    slot_.records = 2;
    slot_.chunks[0] = 1;
    slot_.depth = 4'000'000'000u;
    slot_.calls = ~0ull;
    header_.bias_inside = header_.bias_around = header_.began_ticks = header_.began_ns = header_.ended_ticks =
        ~0ull;
    header_.names_used = ~0ull;
    put(AT_RING_CHUNKS_AT,
        at_ring_record{.begin = 0, .end = ~0ull, .below = ~0ull, .edge = 1, .depth_how = ~0u});
    put(AT_RING_CHUNKS_AT + 32, at_ring_record{.begin = 9, .end = 3, .below = 0, .edge = 1, .depth_how = 0});
    put(AT_RING_BODIES_AT + AT_RING_STACK_BYTES + sizeof(at_ring_edge),
        at_ring_edge{AT_RING_NAMED | 8, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull});
    put(AT_RING_BODIES_AT + sizeof(at_ring_call), at_ring_call{~0ull, 1, 1, ~0ull, ~0ull, ~0ull, 1, 1, 0});
    read_it();
    EXPECT_EQ(undecodable(), 2u) << "one that took longer than 64 bits tell, one that ended before it began";
    for (const Event& event : batch_.events)
        if (const auto* call = std::get_if<CallDone>(&event.body)) {
            EXPECT_GE(call->duration, Nanos(0));
            EXPECT_GE(call->bias, Nanos(0));
        }
}

TEST_F(HostileRing, AFileThatIsCutWhileItIsRead) {
    slot_.records = 1000;
    slot_.chunks[0] = 1;
    slot_.depth = 10;
    put(0, header_);
    put(AT_RING_SLOTS_AT, slot_);
    auto file = runtime::RingFile::adopt(Fd(dup(fd_.get())));
    ASSERT_TRUE(file.has_value());
    runtime::RingReader reader(std::move(*file), {.process = {1 << 30, 0}}, symbolizer_);
    ASSERT_EQ(ftruncate(fd_.get(), 1 << 20), 0);
    EXPECT_FALSE(reader.drain(10'000, batch_));
    ASSERT_EQ(ftruncate(fd_.get(), 0), 0);
    EXPECT_FALSE(reader.drain(10'000, batch_));
    reader.cut_open_calls(from_ns(1), batch_);
    EXPECT_EQ(undecodable(), 1000u);
}

TEST_F(HostileRing, OnlyAFileInMemoryIsOpened) {
    using runtime::RingFile, runtime::RingPlace;
    EXPECT_EQ(RingFile::open("/dev/zero", RingPlace::process).error().code, Errc::unsupported);
    EXPECT_EQ(RingFile::open("/nonexistent", RingPlace::folder).error().code, Errc::not_found);
    header_.version = 99;
    put(0, header_);
    EXPECT_EQ(RingFile::adopt(Fd(dup(fd_.get()))).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace autotune
