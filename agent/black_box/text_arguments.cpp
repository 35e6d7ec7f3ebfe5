#include "agent/black_box/text_arguments.hpp"

#include <sys/syscall.h>

namespace autotune::black_box {

std::array<std::uint8_t, AT_SYSCALL_NUMBERS> text_arguments() {
    std::array<std::uint8_t, AT_SYSCALL_NUMBERS> table{};
    const auto path = [&](std::initializer_list<long> calls, std::uint8_t argument) {
        for (const long call : calls) table[static_cast<std::size_t>(call)] = static_cast<std::uint8_t>(argument + 1);
    };
#if defined(__x86_64__)  // newer architectures have only those with a directory
    path({SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_readlink,
          SYS_chmod, SYS_chown, SYS_creat, SYS_link, SYS_symlink},
         0);
#endif
    path({SYS_execve, SYS_chdir, SYS_chroot, SYS_truncate, SYS_statfs}, 0);
    path({SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_mkdirat, SYS_unlinkat,
          SYS_renameat, SYS_renameat2, SYS_linkat, SYS_readlinkat, SYS_fchmodat, SYS_fchownat, SYS_utimensat, SYS_execveat},
         1);
    for (const long call : {SYS_connect, SYS_bind}) table[static_cast<std::size_t>(call)] = kAddressArgument + 1;
    table[SYS_sendto] = kAddressArgument + 4;
    const auto brings_work = [&](std::initializer_list<long> calls) {
        for (const long call : calls) table[static_cast<std::size_t>(call)] |= kBringsWork;
    };
#if defined(__x86_64__)
    brings_work({SYS_epoll_wait, SYS_poll, SYS_select});
#endif
    brings_work({SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg, SYS_epoll_pwait, SYS_ppoll, SYS_pselect6});
    return table;
}

}  // namespace autotune::black_box
