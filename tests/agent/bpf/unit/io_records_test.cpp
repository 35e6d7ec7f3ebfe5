#include <netinet/in.h>

#include <cerrno>

#include "tests/agent/bpf/unit/records.hpp"

namespace autotune::test {
namespace {

using namespace std::string_literals;

class IoRecords : public Decoding {
protected:
    [[nodiscard]] std::string path_of(std::size_t index) const { return text(of<IoDone>().at(index).path); }
};

TEST_F(IoRecords, OfFilesCarryThePathTheyWereOpenedBy) {
    feed(open_record({}, "/data/in", 7));
    feed(io_record({}, AT_OP_READ, 7, 512));
    feed(io_record({}, AT_OP_CLOSE, 7, 0));
    feed(io_record({}, AT_OP_WRITE, 7, 1));  // another file by now; /proc does not know
    EXPECT_EQ(of<IoDone>()[0].op, IoOp::open);
    EXPECT_EQ(of<IoDone>()[0].fd, 7);
    EXPECT_EQ(path_of(1), "/data/in");
    EXPECT_EQ(of<IoDone>()[1].result, 512);
    EXPECT_EQ(of<IoDone>()[1].latency, Nanos(77));
    EXPECT_EQ(path_of(2), "/data/in");
    EXPECT_EQ(path_of(3), "");
}

TEST_F(IoRecords, ResolveNamesAgainstTheDirectoryTheyWereOpenedIn) {
    feed(open_record({}, "/data", 7));
    feed(open_record({}, "../etc/./x", 8, 7));
    feed(open_record({}, "here", 9));  // the working directory is not known
    EXPECT_EQ(path_of(1), "/etc/x");
    EXPECT_EQ(path_of(2), "here");
}

TEST_F(IoRecords, ThatCarryTheNameOfTheirDescriptorNameItFromThenOn) {
    at_io_path_record named = open_record({}, "/data/inherited", 512, 7);
    named.io.op = AT_OP_READ;
    feed(named);
    feed(io_record({}, AT_OP_READ, 7, 5));
    EXPECT_EQ(of<IoDone>()[0].fd, 7);
    EXPECT_EQ(of<IoDone>()[0].result, 512);
    EXPECT_EQ(path_of(0), "/data/inherited");
    EXPECT_EQ(path_of(1), "/data/inherited");
}

TEST_F(IoRecords, OfACloseThatCarriesItsNameLeaveTheNumberToWhoeverHasItByThen) {
    feed(open_record({}, "/data/new", 7));
    at_io_path_record closed = open_record({}, "/data/old", 0, 7);
    closed.io.op = AT_OP_CLOSE;
    feed(closed);
    feed(io_record({}, AT_OP_READ, 7, 5));
    EXPECT_EQ(of<IoDone>()[1].op, IoOp::close_file);
    EXPECT_EQ(path_of(1), "/data/old");
    EXPECT_EQ(path_of(2), "/data/new");
}

TEST_F(IoRecords, OfAFailedOpenHaveNoDescriptor) {
    feed(open_record({}, "/absent", -ENOENT));
    EXPECT_EQ(of<IoDone>()[0].fd, -1);
    EXPECT_EQ(of<IoDone>()[0].result, -ENOENT);
    EXPECT_EQ(path_of(0), "/absent");
}

TEST_F(IoRecords, FollowDupAndFork) {
    feed(open_record({}, "/data/in", 7));
    at_fd_change_record dup{};
    dup.header = header_of(AT_FD_CHANGE, sizeof dup, {}, 100);
    dup.from = 7;
    dup.to = 20;
    dup.is_dup = 1;
    feed(dup);
    at_fork_record fork{};
    fork.header = header_of(AT_FORK, sizeof fork, {.tgid = 101}, 500);
    fork.parent = 100;
    feed(fork);
    feed(io_record({.tgid = 101}, AT_OP_READ, 20, 3));
    EXPECT_EQ(path_of(1), "/data/in");
    dup.is_dup = 0;
    dup.from = 3;
    dup.to = -1;  // close_range to the end
    feed(dup);
    feed(io_record({}, AT_OP_READ, 20, 3));
    EXPECT_EQ(path_of(2), "");
}

TEST_F(IoRecords, ShowWhatTheProgramSaw) {
    feed(open_record({}, "/x", 3));
    feed(io_record({}, AT_OP_READ, 3, -512));  // ERESTARTSYS
    EXPECT_EQ(of<IoDone>()[1].result, -EINTR);
}

TEST_F(IoRecords, OfSocketsCarryBothEnds) {
    at_io_record r = io_record({}, AT_OP_SEND, 4, 10);
    r.file = AT_FILE_SOCKET;
    r.local = ipv4(1, 40000);
    r.peer = {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7}, .port = 443, .family = AF_INET6};
    feed(r);
    EXPECT_EQ(of<IoDone>()[0].local, ipv4_endpoint(127, 0, 0, 1, 40000));
    EXPECT_EQ(of<IoDone>()[0].peer, ipv4_endpoint(10, 0, 0, 7, 443));  // a v4 peer of a v6 socket
    r.peer.address[0] = 0xfe;
    feed(r);
    EXPECT_EQ(of<IoDone>()[1].peer.family, AddressFamily::ipv6);
}

TEST_F(IoRecords, OfAConnectToTheRuntimeApiAreControlPlane) {
    feed(exec_record({}, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001\0"s));
    at_io_record r = io_record({}, AT_OP_CONNECT, 4, 0);
    r.file = AT_FILE_SOCKET;
    r.peer = ipv4(1, 9001);
    feed(r);
    EXPECT_TRUE(of<IoDone>().empty());
    r.peer = ipv4(1, 9002);
    r.flags = AT_IO_COMPLETED_LATER;
    feed(r);
    ASSERT_EQ(of<IoDone>().size(), 1u);
    EXPECT_TRUE(of<IoDone>()[0].blocking_wait);
}

TEST_F(IoRecords, OfAUnixSocketCarryItsName) {
    at_io_path_record c = open_record({}, "/run/x.sock", 10, 6);
    c.io.op = AT_OP_SEND;
    c.io.file = AT_FILE_SOCKET;
    c.io.peer.family = AF_UNIX;
    feed(c);
    at_io_record r = io_record({}, AT_OP_SEND, 6, 10);  // of one of a pair: it has none
    r.file = AT_FILE_SOCKET;
    r.peer.family = AF_UNIX;
    feed(r);
    EXPECT_EQ(path_of(0), "/run/x.sock");
    EXPECT_EQ(of<IoDone>()[0].fd, 6);
    EXPECT_EQ(path_of(1), "");
    EXPECT_EQ(of<IoDone>()[1].peer.family, AddressFamily::unix_path);
}

TEST_F(IoRecords, OfNamesAreResolvedAndHaveNoDescriptor) {
    feed(open_record({}, "/data", 7));
    at_io_path_record made = open_record({}, "sub", 0, 7);
    made.io.op = AT_OP_MAKE_DIRECTORY;
    feed(made);
    EXPECT_EQ(of<IoDone>()[1].op, IoOp::make_directory);
    EXPECT_EQ(of<IoDone>()[1].fd, -1);
    EXPECT_EQ(path_of(1), "/data/sub");
}

TEST_F(IoRecords, MarkAPathThatWasCut) {
    at_io_path_record r = open_record({}, "/" + std::string(254, 'x'), 7);
    r.io.flags = AT_IO_PATH_CUT;
    feed(r);
    EXPECT_EQ(path_of(0), "/" + std::string(254, 'x') + "…");
}

TEST_F(IoRecords, OfMappingsAndTheirSyncsNameTheFile) {
    feed(open_record({}, "/data/db", 7));
    at_map_record map{};
    map.header = header_of(AT_MAP, sizeof map, {}, 100);
    map.address = 0x10000;
    map.bytes = 0x4000;
    map.fd = 7;
    map.op = AT_OP_MAP;
    feed(map);
    at_map_record sync = map;
    sync.op = AT_OP_SYNC;
    sync.fd = -1;
    sync.address = 0x12000;
    feed(sync);
    sync.address = 0x14000;  // behind it
    feed(sync);
    EXPECT_EQ(of<IoDone>()[1].op, IoOp::map_file);
    EXPECT_EQ(of<IoDone>()[1].result, 0x4000);
    EXPECT_EQ(path_of(1), "/data/db");
    EXPECT_EQ(of<IoDone>()[2].op, IoOp::sync);
    EXPECT_EQ(path_of(2), "/data/db");
    EXPECT_EQ(path_of(3), "");
}

TEST_F(IoRecords, OfANewProgramNameTheDescriptorsThatItInherited) {
    feed(open_record({}, "/kept", 7));
    feed(open_record({}, "/closed", 8));
    at_exec_record exec = exec_record({}, "");
    exec.open_fds[0] = 1u << 7;
    feed(exec);
    feed(io_record({}, AT_OP_READ, 7, 1));
    feed(io_record({}, AT_OP_READ, 8, 1));
    EXPECT_EQ(path_of(2), "/kept");
    EXPECT_EQ(path_of(3), "");
}

TEST_F(IoRecords, AskForNamesAgainWhenRecordsWereLost) {
    feed(open_record({}, "/data/in", 7));
    decoder.forget_names();
    feed(io_record({}, AT_OP_READ, 7, 1));
    EXPECT_EQ(path_of(1), "");
}

}  // namespace
}  // namespace autotune::test
