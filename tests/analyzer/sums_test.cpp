// Tables of a trace that grow no further: what finds no row is in one, which says so.
#include <gtest/gtest.h>

#include <string>

#include "analyzer/trace/trace_builder.hpp"

namespace autotune {
namespace {

constexpr int kRows = 100'000;  // docs/tracing.md

class SumsOf : public ::testing::Test {
protected:
    template <class Body>
    void put(Body body) {
        batch.events.push_back({.at = Timestamp(Nanos(++now)), .process = {7, 1}, .thread = ThreadId(7), .body = body});
    }
    void read(const std::string& path, std::int64_t bytes) {
        put(IoDone{.op = IoOp::read, .fd = 3, .result = bytes, .latency = Nanos(1), .path = batch.tables.strings.intern(path)});
    }
    void connect(int peer) {
        Endpoint to;
        to.family = AddressFamily::ipv4;
        to.port = 80;
        for (int i = 0; i < 4; ++i) to.address[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(peer >> (8 * i));
        put(IoDone{.op = IoOp::connect, .fd = 3, .latency = Nanos(1), .peer = to});
    }
    void get(const std::string& path) {
        HttpDone got;
        got.method = batch.tables.strings.intern("GET");
        got.path = batch.tables.strings.intern(path);
        got.status = 200;
        put(got);
    }
    Trace trace() {
        TraceBuilder builder;
        builder.ingest(batch);
        batch.events.clear();
        return builder.finish(batch);
    }

    EventBatch batch;
    int now = 0;
};

TEST_F(SumsOf, FilesPastTheBoundAreInOneRowThatIsNotTheNamelessOnes) {
    for (int i = 0; i < kRows - 1; ++i) read("/file/" + std::to_string(i), 1);
    read("", 1);
    for (int i = 0; i < 5; ++i) read("/more/" + std::to_string(i), 10);
    read("", 1);
    read("/file/3", 1);
    const Trace t = trace();
    ASSERT_EQ(t.files.size(), kRows + 1u);
    std::uint64_t rest = 0, bytes_of_rest = 0, nameless = 0;
    for (const FileUse& f : t.files) {
        rest += f.rest;
        if (f.rest > 0) bytes_of_rest += f.bytes_read;
        if (f.rest == 0 && f.path == StringId{}) nameless += f.bytes_read;
    }
    EXPECT_EQ(rest, 5u);
    EXPECT_EQ(bytes_of_rest, 50u);
    EXPECT_EQ(nameless, 2u);
}

TEST_F(SumsOf, PeersPastTheBoundAreInOneRow) {
    for (int i = 0; i < kRows + 7; ++i) connect(i);
    const Trace t = trace();
    ASSERT_EQ(t.peers.size(), kRows + 1u);
    EXPECT_EQ(t.peers.front().rest, 7u) << "it waited most";
    EXPECT_EQ(t.peers.front().peer, Endpoint{});
    EXPECT_EQ(t.peers.front().connects, 7u);
}

TEST_F(SumsOf, ExchangesPastTheBoundAreInOneRow) {
    for (int i = 0; i < kRows + 3; ++i) get("/" + std::to_string(i));
    const Trace t = trace();
    ASSERT_EQ(t.http.size(), kRows + 1u);
    std::uint64_t rest = 0, count_of_rest = 0;
    for (const HttpUse& h : t.http) {
        rest += h.rest;
        if (h.rest > 0) count_of_rest += h.count;
    }
    EXPECT_EQ(rest, 3u);
    EXPECT_EQ(count_of_rest, 3u);
}

}  // namespace
}  // namespace autotune
