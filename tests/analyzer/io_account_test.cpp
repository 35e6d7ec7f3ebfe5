#include "analyzer/io_account.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/analyzer/event_script.hpp"

namespace autotune::analysis {
namespace {

using namespace autotune::testing;

const Endpoint kUs = ipv4_endpoint(10, 0, 0, 1, 40'000);
const Box kBox = EventScript::sandbox(7, 100, "a");

// Plays a script's I/O into one account, as of an invocation that began at 0.
struct Owned {
    Connections connections;
};
struct Account : Owned, IoAccount {
    Account() : IoAccount(connections) {}
    void play(EventScript& s) {
        for (const Event& e : s.batch.events) add(e, std::get<IoDone>(e.body), Timestamp());
        s.batch.events.clear();
    }
};

Event of_box() {
    EventScript s;
    s.close(kBox, 1);
    return s.batch.events.front();
}

TEST(IoAccount, CountsOneCallForEachTurn) {
    EventScript s;
    s.at(10ms).connect(kBox, 5, kUs, kDatabase);
    s.at(20ms).send(kBox, 5, 100, kDatabase).send(kBox, 5, 50, kDatabase);  // head and body
    s.at(30ms).receive(kBox, 5, 7, kDatabase).receive(kBox, 5, 8, kDatabase);
    s.at(40ms).send(kBox, 5, 1, kDatabase).at(90ms).receive(kBox, 5, 2, kDatabase);
    Account account;
    account.play(s);
    ASSERT_EQ(account.peers().size(), 1u);
    const PeerIo& io = account.peers()[0].io;
    EXPECT_EQ(io.peer, kDatabase);
    EXPECT_EQ(io.connects, 1u);
    EXPECT_EQ(io.calls, 2u);
    EXPECT_EQ(io.failures, 0u);
    EXPECT_EQ(io.bytes_sent, 151u);
    EXPECT_EQ(io.bytes_received, 17u);
    EXPECT_EQ(io.wait, 7ms);
    EXPECT_EQ(io.slowest, 51ms);  // from the begin of the send to the end of the receive
    EXPECT_EQ(account.network_wait(), 7ms);
}

TEST(IoAccount, KeepsConnectionsAcrossInvocationsButNotTotals) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase).send(kBox, 5, 1, kDatabase).receive(kBox, 5, 2, kDatabase);
    account.play(s);
    account.begin();
    EXPECT_TRUE(account.peers().empty());
    s.io(kBox, {.op = IoOp::send, .fd = 5, .result = 10})
        .io(kBox, {.op = IoOp::receive, .fd = 5, .result = 20});
    account.play(s);
    ASSERT_EQ(account.peers().size(), 1u);
    EXPECT_EQ(account.peers()[0].io.peer, kDatabase);  // remembered: the event did not tell
    EXPECT_EQ(account.peers()[0].io.connects, 0u);
    EXPECT_EQ(account.peers()[0].io.calls, 1u);
    EXPECT_EQ(account.peers()[0].io.bytes_received, 20u);
}

TEST(IoAccount, ForgetsAConnectionWhenItsDescriptorIsClosed) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase).close(kBox, 5).connect(kBox, 5, kUs, kCache);
    s.io(kBox, {.op = IoOp::send, .fd = 5, .result = 10});
    account.play(s);
    ASSERT_EQ(account.peers().size(), 2u);
    EXPECT_EQ(account.peers()[0].io.bytes_sent, 0u);
    EXPECT_EQ(account.peers()[1].io.peer, kCache);
    EXPECT_EQ(account.peers()[1].io.bytes_sent, 10u);
}

TEST(IoAccount, DoesNotMixEqualDescriptorsOfTwoProcesses) {
    EventScript s;
    Account account;
    const Box child = EventScript::child(kBox, 101);
    s.connect(kBox, 5, kUs, kDatabase).connect(child, 5, kUs, kCache);
    s.io(kBox, {.op = IoOp::send, .fd = 5, .result = 1}).io(child, {.op = IoOp::send, .fd = 5, .result = 2});
    account.play(s);
    ASSERT_EQ(account.peers().size(), 2u);
    EXPECT_EQ(account.peers()[0].io.bytes_sent, 1u);
    EXPECT_EQ(account.peers()[1].io.bytes_sent, 2u);
}

struct ConnectCase {
    std::int64_t result;
    std::uint64_t failures;
};
class ConnectResult : public ::testing::TestWithParam<ConnectCase> {};
INSTANTIATE_TEST_SUITE_P(IoAccount, ConnectResult,
                         ::testing::Values(ConnectCase{0, 0}, ConnectCase{-ECONNREFUSED, 1},
                                           ConnectCase{-ETIMEDOUT, 1}, ConnectCase{-EHOSTUNREACH, 1},
                                           ConnectCase{-EINTR, 0}, ConnectCase{-EINPROGRESS, 0}));
TEST_P(ConnectResult, IsAFailureOnlyWhenThePeerIsNotThere) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase, GetParam().result);
    account.play(s);
    EXPECT_EQ(account.peers().at(0).io.connects, 1u);
    EXPECT_EQ(account.peers().at(0).io.failures, GetParam().failures);
    EXPECT_EQ(account.peers().at(0).io.failed_connects, GetParam().failures);
}

TEST(IoAccount, CountsAConnectThatIsCompletedLaterOnce) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase, -EINPROGRESS).connect(kBox, 5, kUs, kDatabase, 0);
    s.connect(kBox, 6, kUs, kDatabase, -EINPROGRESS).connect(kBox, 6, kUs, kDatabase, -ECONNREFUSED);
    account.play(s);
    EXPECT_EQ(account.peers().at(0).io.connects, 2u);
    EXPECT_EQ(account.peers().at(0).io.failed_connects, 1u);
}

TEST(IoAccount, CallsAConnectFailedThatIsGivenUpUnanswered) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase, -EINPROGRESS).close(kBox, 5);
    account.play(s);
    EXPECT_EQ(account.peers().at(0).io.failed_connects, 1u);
}

TEST(IoAccount, CallsATurnFailedWhenThePeerHangsUpOrResets) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase).send(kBox, 5, 1, kDatabase).receive(kBox, 5, 0, kDatabase);
    s.connect(kBox, 6, kUs, kDatabase).send(kBox, 6, 1, kDatabase).receive(kBox, 6, -ECONNRESET, kDatabase);
    s.connect(kBox, 7, kUs, kDatabase).send(kBox, 7, 1, kDatabase).receive(kBox, 7, 5, kDatabase);
    s.receive(kBox, 7, 0, kDatabase);  // hung up after the answer: nothing is wrong
    account.play(s);
    EXPECT_EQ(account.peers().at(0).io.calls, 3u);
    EXPECT_EQ(account.peers().at(0).io.failures, 2u);
    EXPECT_EQ(account.peers().at(0).io.failed_connects, 0u);
}

TEST(IoAccount, IgnoresTryAgain) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase).send(kBox, 5, 1, kDatabase).receive(kBox, 5, -EAGAIN, kDatabase);
    s.receive(kBox, 5, 3, kDatabase);
    account.play(s);
    EXPECT_EQ(account.peers().at(0).io.calls, 1u);
    EXPECT_EQ(account.peers().at(0).io.failures, 0u);
    EXPECT_EQ(account.peers().at(0).io.bytes_received, 3u);
}

TEST(IoAccount, LeavesCallersOutOfDependencies) {
    EventScript s;
    Account account;
    s.accept(kBox, 8, kUs, kCache).receive(kBox, 8, 100, kCache).send(kBox, 8, 200, kCache);
    account.play(s);
    EXPECT_TRUE(account.peers().empty());
    EXPECT_EQ(account.network_wait(), 0ms);
}

TEST(IoAccount, TellsTheEndsOfAConnectionOnce) {
    EventScript s;
    Account account;
    s.connect(kBox, 5, kUs, kDatabase);
    const Event& event = s.batch.events[0];
    const SocketEnds first = account.add(event, std::get<IoDone>(event.body), Timestamp());
    EXPECT_EQ(first.role, SocketRole::client);
    EXPECT_EQ(first.local, kUs);
    EXPECT_EQ(first.peer, kDatabase);
    const IoDone more{.op = IoOp::send, .fd = 5, .result = 1, .local = kUs, .peer = kDatabase};
    EXPECT_EQ(account.add(event, more, Timestamp()).role, SocketRole::none);
}

TEST(IoAccount, SplitsAnUnconnectedSocketByWhomItTalksTo) {
    EventScript s;
    Account account;
    s.send(kBox, 5, 10, kDatabase).send(kBox, 5, 20, kCache).send(kBox, 5, 1, kDatabase);
    account.play(s);
    ASSERT_EQ(account.peers().size(), 2u);
    EXPECT_EQ(account.peers()[0].io.bytes_sent, 11u);
    EXPECT_EQ(account.peers()[0].io.calls, 2u);
    EXPECT_EQ(account.peers()[1].io.bytes_sent, 20u);
}

TEST(IoAccount, SumsFilesByPath) {
    EventScript s;
    Account account;
    s.at(10ms)
        .file(kBox, IoOp::open, "/tmp/a", 9)
        .file(kBox, IoOp::write, "/tmp/a", 100)
        .file(kBox, IoOp::sync, "/tmp/a", 0);
    s.file(kBox, IoOp::read, "/tmp/b", 40).file(kBox, IoOp::read, "/tmp/a", 1);
    s.file(kBox, IoOp::open, "/tmp/c", -ENOENT);
    account.play(s);
    ASSERT_EQ(account.files().size(), 3u);
    const FileIo& a = account.files()[0].io;
    EXPECT_EQ(a.opens, 1u);
    EXPECT_EQ(a.bytes_written, 100u);
    EXPECT_EQ(a.bytes_read, 1u);
    EXPECT_EQ(a.syncs, 1u);
    EXPECT_EQ(account.files()[2].io.failures, 1u);
    EXPECT_EQ(account.disk_wait(), 6ms);
    EXPECT_EQ(account.network_wait(), 0ms);
}

TEST(IoAccount, CountsWhatIsDoneToNamesAndDirectories) {
    EventScript s;
    Account account;
    s.file(kBox, IoOp::make_directory, "/tmp/d", 0).file(kBox, IoOp::list, "/tmp/d", 480);
    s.file(kBox, IoOp::rename, "/tmp/d", 0).file(kBox, IoOp::remove, "/tmp/d", -ENOENT);
    account.play(s);
    ASSERT_EQ(account.files().size(), 1u);
    const FileIo& d = account.files()[0].io;
    EXPECT_EQ(d.lists, 1u);
    EXPECT_EQ(d.changes, 2u);
    EXPECT_EQ(d.failures, 1u);
    EXPECT_EQ(d.bytes_read, 0u);
}

TEST(IoAccount, CountsAWaitThatBeganBeforeTheInvocationFromItsStartOnly) {
    EventScript s;
    Account account;
    s.at(10ms).receive(kBox, 5, 1, kDatabase, 5s);
    account.add(s.batch.events[0], std::get<IoDone>(s.batch.events[0].body), Timestamp(4ms));
    EXPECT_EQ(account.network_wait(), 6ms);
}

TEST(IoAccount, BooksTroubleToThePeerAlsoBeforeItsConnectIsTold) {
    EventScript s;
    Account account;
    const Event event = of_box();
    account.add(event, SocketTrouble{SocketTroubleKind::retransmit, kUs, kDatabase});
    s.connect(kBox, 5, kUs, kDatabase);
    account.play(s);
    account.add(event, SocketTrouble{SocketTroubleKind::retransmit, kUs, kDatabase});
    account.add(event, SocketTrouble{SocketTroubleKind::reset_received, kUs, kDatabase});
    ASSERT_EQ(account.peers().size(), 1u);
    EXPECT_EQ(account.peers()[0].io.retransmits, 2u);
    EXPECT_EQ(account.peers()[0].io.resets, 1u);
    EXPECT_EQ(account.peers()[0].io.connects, 1u);
}

TEST(IoAccount, TroubleWithWhoCallsUsIsNoneOfOurs) {
    EventScript s;
    Account account;
    s.accept(kBox, 5, kUs, kDatabase);
    account.play(s);
    account.add(of_box(), SocketTrouble{SocketTroubleKind::reset_sent, kUs, kDatabase});
    EXPECT_TRUE(account.peers().empty());
}

TEST(IoAccount, StaysBoundedWhateverAProgramNames) {
    EventScript s;
    Account account;
    for (int i = 0; i < 3'000; ++i) {
        s.file(kBox, IoOp::read, "/tmp/" + std::to_string(i), 1);
        s.send(kBox, 5, 1,
               ipv4_endpoint(10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 80));
    }
    account.play(s);
    EXPECT_LE(account.files().size(), 512u);
    EXPECT_LE(account.peers().size(), 512u);
    std::uint64_t read = 0, sent = 0;
    for (const auto& f : account.files()) read += f.io.bytes_read;
    for (const auto& p : account.peers()) sent += p.io.bytes_sent;
    EXPECT_EQ(read, 3'000u);  // nothing is dropped, only lumped together
    EXPECT_EQ(sent, 3'000u);
}

}  // namespace
}  // namespace autotune::analysis
