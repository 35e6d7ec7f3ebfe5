#include "agent/bpf/syscall_table.hpp"

#include <sys/syscall.h>

#include <cstddef>
#include <initializer_list>

namespace autotune {
namespace {

// The same on every architecture; younger than the headers we may be built with.
constexpr int kFutexWaitv = 449;
constexpr int kFutexWait = 455;

}  // namespace

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
    table[SYS_splice] = AT_CALL_SPLICE;
    table[SYS_tee] = AT_CALL_TEE;
    table[SYS_copy_file_range] = AT_CALL_COPY_RANGE;
    table[SYS_vmsplice] = AT_CALL_VMSPLICE;
    table[SYS_fsync] = table[SYS_fdatasync] = table[SYS_sync_file_range] = table[SYS_syncfs] = AT_CALL_SYNC;
    table[SYS_sync] = AT_CALL_SYNC_ALL;
    table[SYS_mmap] = AT_CALL_MMAP;
    table[SYS_msync] = AT_CALL_MSYNC;
    table[SYS_getdents64] = AT_CALL_LIST;
    table[SYS_ftruncate] = table[SYS_fallocate] = AT_CALL_RESIZE;
    table[SYS_truncate] = AT_CALL_RESIZE_PATH;
    table[SYS_mkdirat] = AT_CALL_MKDIRAT;
    table[SYS_unlinkat] = AT_CALL_REMOVEAT;
    table[SYS_renameat2] = AT_CALL_RENAMEAT;
    table[SYS_linkat] = AT_CALL_LINKAT;
    table[SYS_symlinkat] = AT_CALL_SYMLINKAT;
    table[SYS_close] = AT_CALL_CLOSE;
    table[SYS_close_range] = AT_CALL_CLOSE_RANGE;
    table[SYS_dup] = table[SYS_dup3] = AT_CALL_DUP;
    table[SYS_fcntl] = AT_CALL_FCNTL;
    table[SYS_ppoll] = AT_CALL_POLL;
    table[SYS_pselect6] = AT_CALL_SELECT;
    table[SYS_epoll_pwait] = table[SYS_epoll_pwait2] = AT_CALL_EPOLL_WAIT;
    table[SYS_io_uring_enter] = AT_CALL_IO_URING;
    table[SYS_io_submit] = AT_CALL_AIO;
#ifdef SYS_renameat
    table[SYS_renameat] = AT_CALL_RENAMEAT;
#endif
#ifdef SYS_open  // not on arm64
    table[SYS_open] = table[SYS_creat] = AT_CALL_OPEN;
    table[SYS_dup2] = AT_CALL_DUP;
    table[SYS_poll] = AT_CALL_POLL;
    table[SYS_select] = AT_CALL_SELECT;
    table[SYS_epoll_wait] = AT_CALL_EPOLL_WAIT;
    table[SYS_getdents] = AT_CALL_LIST;
    table[SYS_mkdir] = AT_CALL_MKDIR;
    table[SYS_unlink] = table[SYS_rmdir] = AT_CALL_REMOVE;
    table[SYS_rename] = AT_CALL_RENAME;
    table[SYS_link] = table[SYS_symlink] = AT_CALL_LINK;
#endif
    return table;
}

std::array<std::uint8_t, AT_SYSCALL_NUMBERS> wait_table() {
    std::array<std::uint8_t, AT_SYSCALL_NUMBERS> table{};
    const auto set = [&](at_wait_kind kind, std::initializer_list<int> numbers) {
        for (const int number : numbers) table[static_cast<std::size_t>(number)] = kind;
    };
    set(AT_WAIT_FILE, {SYS_read,     SYS_pread64, SYS_readv,     SYS_preadv,   SYS_preadv2,         SYS_write,
                       SYS_pwrite64, SYS_writev,  SYS_pwritev,   SYS_pwritev2, SYS_close,           SYS_ioctl,
                       SYS_fsync,    SYS_splice,  SYS_fdatasync, SYS_sendfile, SYS_sync_file_range, SYS_tee,
                       SYS_vmsplice, SYS_copy_file_range});
    set(AT_WAIT_PEER, {SYS_connect, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg, SYS_sendmmsg,
                       SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_shutdown, SYS_epoll_pwait,
                       SYS_epoll_pwait2});
    set(AT_WAIT_POLL, {SYS_ppoll});
    set(AT_WAIT_SELECT, {SYS_pselect6});
    set(AT_WAIT_LOCK, {SYS_futex, kFutexWaitv, kFutexWait, SYS_flock, SYS_semtimedop, SYS_semop});
    set(AT_WAIT_SLEEP, {SYS_nanosleep, SYS_clock_nanosleep});
    set(AT_WAIT_CHILD, {SYS_wait4, SYS_waitid});
    set(AT_WAIT_FCNTL, {SYS_fcntl});
    set(AT_WAIT_DISK, {SYS_openat,    SYS_openat2,    SYS_mkdirat,   SYS_unlinkat,  SYS_renameat2, SYS_linkat,
                       SYS_symlinkat, SYS_readlinkat, SYS_statx,     SYS_newfstatat, SYS_fstat,    SYS_faccessat,
                       SYS_faccessat2, SYS_truncate,  SYS_ftruncate, SYS_fallocate, SYS_getdents64, SYS_sync,
                       SYS_syncfs,    SYS_msync,      SYS_execve,    SYS_execveat,  SYS_chdir,     SYS_fchmodat,
                       SYS_fchownat,  SYS_utimensat,  SYS_mknodat,   SYS_statfs,    SYS_readahead});
#ifdef SYS_open  // not on arm64
    set(AT_WAIT_PEER, {SYS_epoll_wait});
    set(AT_WAIT_POLL, {SYS_poll});
    set(AT_WAIT_SELECT, {SYS_select});
    set(AT_WAIT_DISK, {SYS_open, SYS_creat, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_renameat, SYS_link,
                       SYS_symlink, SYS_readlink, SYS_stat, SYS_lstat, SYS_access, SYS_getdents, SYS_chmod,
                       SYS_chown, SYS_lchown, SYS_mknod, SYS_utime, SYS_utimes});
#endif
    return table;
}

}  // namespace autotune
