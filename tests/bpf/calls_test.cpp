#include "bpf/logic/calls.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace {

TEST(Calls, OnASocketAreSendsAndReceives) {
    EXPECT_EQ(at_op_of(AT_CALL_WRITE, AT_FILE_SOCKET), AT_OP_SEND);
    EXPECT_EQ(at_op_of(AT_CALL_SENDFILE, AT_FILE_SOCKET), AT_OP_SEND);
    EXPECT_EQ(at_op_of(AT_CALL_READV, AT_FILE_SOCKET), AT_OP_RECEIVE);
}

TEST(Calls, AreOfFilesOrOfSocketsAndBookkeepingOfBoth) {
    EXPECT_EQ(at_io_kind(AT_CALL_WRITE, AT_FILE_DATA, 0), AT_IO_FILES);
    EXPECT_EQ(at_io_kind(AT_CALL_READ, AT_FILE_PIPE, 0), AT_IO_FILES);
    EXPECT_EQ(at_io_kind(AT_CALL_OPENAT, AT_FILE_OTHER, 0), AT_IO_FILES);
    EXPECT_EQ(at_io_kind(AT_CALL_READ, AT_FILE_SOCKET, 0), AT_IO_SOCKETS);
    EXPECT_EQ(at_io_kind(AT_CALL_ACCEPT, AT_FILE_OTHER, 0), AT_IO_SOCKETS);
    EXPECT_EQ(at_io_kind(AT_CALL_SENDFILE, AT_FILE_SOCKET, AT_FILE_DATA), AT_IO_SOCKETS);
    EXPECT_EQ(at_io_kind(AT_CALL_SPLICE, AT_FILE_PIPE, AT_FILE_SOCKET), AT_IO_SOCKETS);
    EXPECT_EQ(at_io_kind(AT_CALL_CLOSE, AT_FILE_DATA, 0), AT_IO_FILES);
    EXPECT_EQ(at_io_kind(AT_CALL_CLOSE, AT_FILE_SOCKET, 0), AT_IO_FILES | AT_IO_SOCKETS);
    EXPECT_EQ(at_io_kind(AT_CALL_DUP, AT_FILE_OTHER, 0), AT_IO_FILES | AT_IO_SOCKETS);
}

TEST(Calls, OnAFileAreWritesAndReads) {
    EXPECT_EQ(at_op_of(AT_CALL_WRITEV, AT_FILE_DATA), AT_OP_WRITE);
    EXPECT_EQ(at_op_of(AT_CALL_SENDFILE, AT_FILE_DATA), AT_OP_WRITE);
    EXPECT_EQ(at_op_of(AT_CALL_READ, AT_FILE_PIPE), AT_OP_READ);
}

TEST(Calls, ThatNameNoDescriptorNeedNone) {
    for (const unsigned call :
         {AT_CALL_OPEN, AT_CALL_OPENAT, AT_CALL_ACCEPT, AT_CALL_DUP, AT_CALL_CLOSE_RANGE})
        EXPECT_FALSE(at_needs_file(call)) << call;
    for (const unsigned call : {AT_CALL_READ, AT_CALL_SENDMMSG, AT_CALL_CONNECT, AT_CALL_SYNC, AT_CALL_CLOSE})
        EXPECT_TRUE(at_needs_file(call)) << call;
}

TEST(Calls, FromOneDescriptorToAnotherAreToldAtBothEnds) {
    EXPECT_EQ(at_descriptor(AT_CALL_SENDFILE), 0);
    EXPECT_EQ(at_moved_from(AT_CALL_SENDFILE), 1);
    EXPECT_EQ(at_descriptor(AT_CALL_SPLICE), 2);
    EXPECT_EQ(at_moved_from(AT_CALL_SPLICE), 0);
    EXPECT_EQ(at_descriptor(AT_CALL_COPY_RANGE), 2);
    EXPECT_EQ(at_descriptor(AT_CALL_TEE), 1);
    EXPECT_EQ(at_descriptor(AT_CALL_READ), 0);
}

TEST(Calls, ThatNameAFileHaveItsPathWhereTheManualSays) {
    EXPECT_EQ(at_path_argument(AT_CALL_OPEN), 0);
    EXPECT_EQ(at_directory_argument(AT_CALL_OPEN), -1);
    EXPECT_EQ(at_path_argument(AT_CALL_RENAMEAT), 1);
    EXPECT_EQ(at_directory_argument(AT_CALL_RENAMEAT), 0);
    EXPECT_EQ(at_path_argument(AT_CALL_LINK), 1);
    EXPECT_EQ(at_directory_argument(AT_CALL_LINK), -1);
    EXPECT_EQ(at_path_argument(AT_CALL_LINKAT), 3);
    EXPECT_EQ(at_directory_argument(AT_CALL_LINKAT), 2);
    EXPECT_EQ(at_path_argument(AT_CALL_SYMLINKAT), 2);
    EXPECT_EQ(at_directory_argument(AT_CALL_SYMLINKAT), 1);
}

TEST(Calls, InVainAreToldOnlyWhenTheyWaited) {
    static_assert(AT_EAGAIN == EAGAIN && AT_EINPROGRESS == EINPROGRESS && AT_EALREADY == EALREADY);
    EXPECT_FALSE(at_worth_telling(-EAGAIN, 500));
    EXPECT_TRUE(at_worth_telling(-EAGAIN, 5'000'000));
    EXPECT_TRUE(at_worth_telling(-ECONNRESET, 500));
    EXPECT_TRUE(at_worth_telling(0, 500));
    EXPECT_FALSE(at_worth_telling(-EALREADY, 5'000'000));
}

}  // namespace
