// Plain text that went through TLS: one conversation an object of the library, whatever its descriptor does.
#include <gtest/gtest.h>

#include "tests/agent/bpf/unit/records.hpp"
#include "bpf/logic/tls.h"

namespace autotune::test {
namespace {

class TlsRecords : public ::testing::Test {
protected:
    void hear(std::uint64_t tls, at_op op, std::string_view text, int flags = 0, int fd = 7) {
        at_http_record r{};
        r.header = header_of(AT_HTTP, sizeof r, {}, ++clock * 1000);
        r.moved = static_cast<__s64>(text.size());
        r.tls = tls;
        r.fd = fd;
        r.op = static_cast<__u8>(op);
        r.flags = static_cast<__u16>(flags);
        r.size = static_cast<__u32>(text.size());
        if (fd >= 0) r.local = ipv4(1, 443), r.peer = ipv4(2, 5000);
        std::copy(text.begin(), text.end(), r.text);
        feed(r);
    }
    void move(std::uint64_t tls, at_op op, std::uint64_t bytes) {
        at_tls_record r{};
        r.header = header_of(AT_TLS, sizeof r, {}, ++clock * 1000);
        r.moved = bytes;
        r.tls = tls;
        r.fd = 7;
        r.op = static_cast<__u8>(op);
        r.local = ipv4(1, 443), r.peer = ipv4(2, 5000);
        feed(r);
    }
    template <class Record>
    void feed(const Record& r) {
        ASSERT_TRUE(decoder.decode(std::as_bytes(std::span(&r, 1)), batch));
    }
    [[nodiscard]] std::vector<HttpDone> told() const {
        std::vector<HttpDone> all;
        for (const Event& e : batch.events)
            if (const auto* http = std::get_if<HttpDone>(&e.body)) all.push_back(*http);
        return all;
    }

    static constexpr std::string_view kRequest = "GET /path?secret HTTP/1.1\r\n\r\n";
    static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n";
    RecordDecoder decoder;
    EventBatch batch;
    std::uint64_t clock = 0;
};

TEST_F(TlsRecords, BecomeAnExchangeWhoseBodyIsCountedInPlainText) {
    hear(0x10, AT_OP_RECEIVE, kRequest, AT_IO_NEW_TLS);
    hear(0x10, AT_OP_SEND, kAnswer);
    move(0x10, AT_OP_SEND, 16000);
    ASSERT_TRUE(told().empty());
    move(0x10, AT_OP_SEND, 4000);
    ASSERT_EQ(told().size(), 1u);
    const HttpDone done = told().front();
    EXPECT_TRUE(done.tls);
    EXPECT_EQ(done.side, Side::server);
    EXPECT_EQ(done.status, 200);
    EXPECT_EQ(batch.tables.strings[done.path], "/path");
    EXPECT_EQ(done.response_bytes, 20000u);
    EXPECT_EQ(done.peer.port, 5000);
}

TEST_F(TlsRecords, OfTwoObjectsAreNotMixed) {
    hear(0x10, AT_OP_SEND, kRequest, AT_IO_NEW_TLS, -1);
    hear(0x20, AT_OP_SEND, "POST /other HTTP/1.1\r\n\r\n", AT_IO_NEW_TLS, -1);
    hear(0x20, AT_OP_RECEIVE, "HTTP/1.1 204 No\r\n\r\n", 0, -1);
    hear(0x10, AT_OP_RECEIVE, "HTTP/1.1 304 No\r\n\r\n", 0, -1);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told()[0].status, 204);
    EXPECT_EQ(told()[1].status, 304);
    EXPECT_EQ(told()[1].peer, Endpoint());
}

TEST_F(TlsRecords, AnAddressThatIsUsedAgainIsAnotherConnection) {
    hear(0x10, AT_OP_SEND, kRequest, AT_IO_NEW_TLS);
    hear(0x10, AT_OP_RECEIVE, kAnswer);  // its body never comes
    hear(0x10, AT_OP_SEND, kRequest, AT_IO_NEW_TLS);
    hear(0x10, AT_OP_RECEIVE, "HTTP/1.1 204 No\r\n\r\n");
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told()[0].status, 200);
    EXPECT_EQ(told()[1].status, 204);
}

TEST_F(TlsRecords, TheEndOfTheObjectEndsAnAnswerWithoutALength) {
    hear(0x10, AT_OP_SEND, kRequest, AT_IO_NEW_TLS);
    hear(0x10, AT_OP_RECEIVE, "HTTP/1.0 200 OK\r\n\r\nsome");
    EXPECT_TRUE(told().empty());
    move(0x10, AT_OP_CLOSE, 0);
    ASSERT_EQ(told().size(), 1u);
    EXPECT_EQ(told()[0].response_bytes, 4u);
}

TEST_F(TlsRecords, SoDoesTheEndOfItsDescriptor) {
    hear(0x10, AT_OP_SEND, kRequest, AT_IO_NEW_TLS);
    at_fd_change_record closed{};
    closed.header = header_of(AT_FD_CHANGE, sizeof closed, {}, ++clock * 1000);
    closed.from = closed.to = 7;
    feed(closed);
    ASSERT_EQ(told().size(), 1u);
    EXPECT_EQ(told()[0].status, 0);
}

TEST(TlsCalls, SayHowMuchTheyMovedAsEachKindDoes) {
    EXPECT_EQ(at_tls_moved(AT_TLS_READ, 17, 0), 17u);
    EXPECT_EQ(at_tls_moved(AT_TLS_READ, 0xffffffffu, 0), 0u) << "-1 as an int";
    EXPECT_EQ(at_tls_moved(AT_TLS_WRITE_EX, 1, 1u << 20), 1u << 20);
    EXPECT_EQ(at_tls_moved(AT_TLS_WRITE_EX, 0, 1u << 20), 0u);
    EXPECT_EQ(at_tls_moved(AT_TLS_READ_EX, 0xffffffffu, 5), 0u);
    EXPECT_EQ(at_tls_moved(AT_TLS_SENDFILE, 5ull << 32, 0), 5ull << 32);
    EXPECT_EQ(at_tls_moved(AT_TLS_HANDSHAKE, 1, 0), 0u) << "no text";
}

}  // namespace
}  // namespace autotune::test
