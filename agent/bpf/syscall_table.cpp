#include "agent/bpf/syscall_table.hpp"

#include <sys/syscall.h>

namespace autotune {

std::array<std::uint8_t, AT_SYSCALL_NUMBERS> syscall_table() {
    std::array<std::uint8_t, AT_SYSCALL_NUMBERS> table{};
    table[SYS_write] = table[SYS_pwrite64] = AT_CALL_WRITE;
    table[SYS_writev] = table[SYS_pwritev] = table[SYS_pwritev2] = AT_CALL_WRITEV;
    table[SYS_sendto] = AT_CALL_SENDTO;
    table[SYS_sendmsg] = AT_CALL_SENDMSG;
    table[SYS_sendmmsg] = AT_CALL_SENDMMSG;
    table[SYS_sendfile] = AT_CALL_SENDFILE;
    table[SYS_read] = table[SYS_pread64] = AT_CALL_READ;
    table[SYS_readv] = table[SYS_preadv] = table[SYS_preadv2] = AT_CALL_READV;
    table[SYS_recvfrom] = AT_CALL_RECVFROM;
    table[SYS_recvmsg] = AT_CALL_RECVMSG;
    table[SYS_recvmmsg] = AT_CALL_RECVMMSG;
    table[SYS_connect] = AT_CALL_CONNECT;
    table[SYS_accept] = table[SYS_accept4] = AT_CALL_ACCEPT;
    table[SYS_openat] = AT_CALL_OPENAT;
    table[SYS_openat2] = AT_CALL_OPENAT;
    table[SYS_fsync] = table[SYS_fdatasync] = AT_CALL_SYNC;
    table[SYS_close] = AT_CALL_CLOSE;
    table[SYS_close_range] = AT_CALL_CLOSE_RANGE;
    table[SYS_dup] = table[SYS_dup3] = AT_CALL_DUP;
    table[SYS_fcntl] = AT_CALL_FCNTL;
    table[SYS_ppoll] = AT_CALL_POLL;
#ifdef SYS_open  // not on arm64
    table[SYS_open] = table[SYS_creat] = AT_CALL_OPEN;
    table[SYS_dup2] = AT_CALL_DUP;
    table[SYS_poll] = AT_CALL_POLL;
#endif
    return table;
}

}  // namespace autotune
