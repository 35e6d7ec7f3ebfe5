/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * System calls by what they do, not by number: the agent fills the table number → at_call for the
 * architecture it runs on (agent/bpf/syscall_table.cpp). Pure; kernel and host.
 */
#ifndef AUTOTUNE_BPF_LOGIC_CALLS_H
#define AUTOTUNE_BPF_LOGIC_CALLS_H

#include "bpf/wire.h"

enum at_call {
    AT_CALL_NONE = 0,
    /* (fd, buffer, size, …): data out */
    AT_CALL_WRITE,
    AT_CALL_WRITEV,   /* (fd, iovec, count) */
    AT_CALL_SENDTO,   /* (fd, buffer, size, flags, address, its size) */
    AT_CALL_SENDMSG,  /* (fd, msghdr, flags) */
    AT_CALL_SENDMMSG, /* (fd, mmsghdr, count, flags); returns messages */
    /* data in */
    AT_CALL_READ,
    AT_CALL_READV,
    AT_CALL_RECVFROM, /* (fd, buffer, size, flags, address, pointer to its size) */
    AT_CALL_RECVMSG,
    AT_CALL_RECVMMSG,
    /* from one descriptor to another, within the kernel */
    AT_CALL_SENDFILE,   /* (out, in, …) */
    AT_CALL_SPLICE,     /* (in, offset, out, …) */
    AT_CALL_COPY_RANGE, /* (in, offset, out, …) */
    AT_CALL_TEE,        /* (in, out, …); the bytes stay in `in` too */
    AT_CALL_VMSPLICE,   /* (pipe, iovec, count, flags): out, or in at the pipe's other end */
    /* others on a descriptor */
    AT_CALL_CONNECT,
    AT_CALL_SYNC,
    AT_CALL_LIST,
    AT_CALL_RESIZE,
    AT_CALL_CLOSE,
    AT_CALL_ACCEPT,
    AT_CALL_CLOSE_RANGE, /* (first, last, flags) */
    AT_CALL_DUP,         /* (old, …) → new */
    AT_CALL_FCNTL,
    AT_CALL_SYNC_ALL, /* () */
    /* mappings */
    AT_CALL_MMAP,  /* (address, size, protection, flags, fd, …) → address */
    AT_CALL_MSYNC, /* (address, size, …) */
    /* names: (path, …) unless said otherwise; those that end in AT: (directory, path, …) */
    AT_CALL_OPEN,
    AT_CALL_OPENAT,
    AT_CALL_MKDIR,
    AT_CALL_MKDIRAT,
    AT_CALL_REMOVE,
    AT_CALL_REMOVEAT,
    AT_CALL_RENAME,
    AT_CALL_RENAMEAT,
    AT_CALL_LINK,      /* (old, path), also symbolic */
    AT_CALL_SYMLINKAT, /* (old, directory, path) */
    AT_CALL_LINKAT,    /* (directory, old, directory, path, …) */
    AT_CALL_RESIZE_PATH,
    /* waits for descriptors to become ready */
    AT_CALL_POLL,       /* (pollfd, count, …) */
    AT_CALL_SELECT,     /* (highest + 1, in, out, …) */
    AT_CALL_EPOLL_WAIT, /* (epoll, events, room, …) */
    /* what they submit is not looked into; both return how much it was */
    AT_CALL_IO_URING,
    AT_CALL_AIO,
};

static inline int at_sends(unsigned call) { return call >= AT_CALL_WRITE && call <= AT_CALL_SENDMMSG; }
static inline int at_receives(unsigned call) { return call >= AT_CALL_READ && call <= AT_CALL_RECVMMSG; }
static inline int at_moves(unsigned call) { return call >= AT_CALL_SENDFILE && call <= AT_CALL_TEE; }
static inline int at_names(unsigned call) { return call >= AT_CALL_OPEN && call <= AT_CALL_RESIZE_PATH; }
static inline int at_waits(unsigned call) { return call >= AT_CALL_POLL && call <= AT_CALL_EPOLL_WAIT; }
static inline int at_counts_messages(unsigned call) {
    return call == AT_CALL_SENDMMSG || call == AT_CALL_RECVMMSG;
}

/* Does the call work on the descriptor that at_descriptor names, so that it matters what that is? */
static inline int at_needs_file(unsigned call) { return call >= AT_CALL_WRITE && call <= AT_CALL_CLOSE; }

/* Can what it does matter although no I/O is told: say something to the Runtime API, hear from it, leave it? */
static inline int at_can_be_control(unsigned call) {
    return at_sends(call) || at_receives(call) || call == AT_CALL_CLOSE || call == AT_CALL_CLOSE_RANGE ||
           call == AT_CALL_DUP;
}

/* What a call's record is about; of bookkeeping calls both, for either needs them. */
#define AT_IO_FILES 1u
#define AT_IO_SOCKETS 2u

/* `file`, `from`: of its descriptors, as far as it has any. */
static inline unsigned at_io_kind(unsigned call, unsigned file, unsigned from) {
    switch (call) {
        case AT_CALL_CONNECT:
        case AT_CALL_ACCEPT: return AT_IO_SOCKETS;
        case AT_CALL_CLOSE: return file == AT_FILE_DATA ? AT_IO_FILES : AT_IO_FILES | AT_IO_SOCKETS;
        case AT_CALL_CLOSE_RANGE:
        case AT_CALL_DUP:
        case AT_CALL_FCNTL:
        case AT_CALL_POLL:
        case AT_CALL_SELECT:
        case AT_CALL_EPOLL_WAIT:
        case AT_CALL_IO_URING:
        case AT_CALL_AIO: return AT_IO_FILES | AT_IO_SOCKETS;
        default: break;
    }
    if (file == AT_FILE_SOCKET || (at_moves(call) && from == AT_FILE_SOCKET)) return AT_IO_SOCKETS;
    return AT_IO_FILES;
}

/* Which argument is the descriptor; of a move, the one that is written to. */
static inline int at_descriptor(unsigned call) {
    if (call == AT_CALL_SPLICE || call == AT_CALL_COPY_RANGE) return 2;
    return call == AT_CALL_TEE ? 1 : 0;
}
/* REQUIRES: at_moves(call). Which argument is the descriptor that is read from. */
static inline int at_moved_from(unsigned call) { return call == AT_CALL_SENDFILE ? 1 : 0; }

/* REQUIRES: at_names(call). Which arguments are the path, and the directory it begins in; -1: the working one. */
static inline int at_path_argument(unsigned call) {
    switch (call) {
        case AT_CALL_OPENAT:
        case AT_CALL_MKDIRAT:
        case AT_CALL_REMOVEAT:
        case AT_CALL_RENAMEAT:
        case AT_CALL_LINK: return 1;
        case AT_CALL_SYMLINKAT: return 2;
        case AT_CALL_LINKAT: return 3;
        default: return 0;
    }
}
static inline int at_directory_argument(unsigned call) {
    return call == AT_CALL_LINK ? -1 : at_path_argument(call) - 1;
}

static inline enum at_op at_op_of(unsigned call, unsigned file) {
    if (at_sends(call) || at_moves(call)) return file == AT_FILE_SOCKET ? AT_OP_SEND : AT_OP_WRITE;
    if (at_receives(call)) return file == AT_FILE_SOCKET ? AT_OP_RECEIVE : AT_OP_READ;
    switch (call) {
        case AT_CALL_OPEN:
        case AT_CALL_OPENAT: return AT_OP_OPEN;
        case AT_CALL_MKDIR:
        case AT_CALL_MKDIRAT: return AT_OP_MAKE_DIRECTORY;
        case AT_CALL_REMOVE:
        case AT_CALL_REMOVEAT: return AT_OP_REMOVE;
        case AT_CALL_RENAME:
        case AT_CALL_RENAMEAT: return AT_OP_RENAME;
        case AT_CALL_LINK:
        case AT_CALL_LINKAT:
        case AT_CALL_SYMLINKAT: return AT_OP_LINK;
        case AT_CALL_RESIZE:
        case AT_CALL_RESIZE_PATH: return AT_OP_RESIZE;
        case AT_CALL_CONNECT: return AT_OP_CONNECT;
        case AT_CALL_ACCEPT: return AT_OP_ACCEPT;
        case AT_CALL_LIST: return AT_OP_LIST;
        case AT_CALL_MMAP: return AT_OP_MAP;
        case AT_CALL_SYNC:
        case AT_CALL_SYNC_ALL:
        case AT_CALL_MSYNC: return AT_OP_SYNC;
        default: return AT_OP_CLOSE;
    }
}

/* MSG_PEEK, MSG_ERRQUEUE: the bytes stay, or are not the peer's. */
#define AT_NOT_A_TRANSFER (0x2u | 0x2000u)

#define AT_SLOW_EMPTY_NS 1000000ull
#define AT_EAGAIN 11
#define AT_EALREADY 114
#define AT_EINPROGRESS 115

/* An event loop asks often and in vain; a call that waited in vain (SO_RCVTIMEO) is worth a record. */
static inline int at_worth_telling(__s64 result, __u64 latency_ns) {
    if (result == -AT_EALREADY) return 0;
    return result != -AT_EAGAIN || latency_ns >= AT_SLOW_EMPTY_NS;
}

#endif
