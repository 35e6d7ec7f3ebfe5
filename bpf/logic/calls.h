/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * System calls by what they do, not by number: the agent fills the table number → at_call for the
 * architecture it runs on (agent/bpf/syscall_table.cpp). Pure; kernel and host.
 */
#ifndef AUTOTUNE_BPF_LOGIC_CALLS_H
#define AUTOTUNE_BPF_LOGIC_CALLS_H

#include "bpf/wire.h"

#define AT_SYSCALL_NUMBERS 512

enum at_call {
    AT_CALL_NONE = 0,
    /* (fd, buffer, size, …): data out */
    AT_CALL_WRITE,
    AT_CALL_WRITEV,   /* (fd, iovec, count) */
    AT_CALL_SENDTO,   /* (fd, buffer, size, flags, address, size) */
    AT_CALL_SENDMSG,  /* (fd, msghdr, flags) */
    AT_CALL_SENDMMSG, /* (fd, mmsghdr, count, flags); returns messages */
    AT_CALL_SENDFILE, /* (out, in, …) */
    /* data in */
    AT_CALL_READ,
    AT_CALL_READV,
    AT_CALL_RECVFROM,
    AT_CALL_RECVMSG,
    AT_CALL_RECVMMSG,
    /* others */
    AT_CALL_CONNECT,
    AT_CALL_ACCEPT,
    AT_CALL_OPEN,   /* (path, …) */
    AT_CALL_OPENAT, /* (directory, path, …) */
    AT_CALL_SYNC,
    AT_CALL_CLOSE,
    AT_CALL_CLOSE_RANGE,
    AT_CALL_DUP, /* (old, …) → new */
    AT_CALL_FCNTL,
    AT_CALL_POLL, /* (pollfd, count, …) */
};

static inline int at_sends(unsigned call) { return call >= AT_CALL_WRITE && call <= AT_CALL_SENDFILE; }
static inline int at_receives(unsigned call) { return call >= AT_CALL_READ && call <= AT_CALL_RECVMMSG; }
static inline int at_counts_messages(unsigned call) {
    return call == AT_CALL_SENDMMSG || call == AT_CALL_RECVMMSG;
}
static inline int at_opens(unsigned call) { return call == AT_CALL_OPEN || call == AT_CALL_OPENAT; }

/* Does the call work on the descriptor in its first argument, so that it matters what that is? */
static inline int at_needs_file(unsigned call) {
    return at_sends(call) || at_receives(call) || call == AT_CALL_CONNECT || call == AT_CALL_SYNC ||
           call == AT_CALL_CLOSE;
}

static inline enum at_op at_op_of(unsigned call, unsigned file) {
    if (at_sends(call)) return file == AT_FILE_SOCKET ? AT_OP_SEND : AT_OP_WRITE;
    if (at_receives(call)) return file == AT_FILE_SOCKET ? AT_OP_RECEIVE : AT_OP_READ;
    if (at_opens(call)) return AT_OP_OPEN;
    if (call == AT_CALL_CONNECT) return AT_OP_CONNECT;
    if (call == AT_CALL_ACCEPT) return AT_OP_ACCEPT;
    if (call == AT_CALL_SYNC) return AT_OP_SYNC;
    return AT_OP_CLOSE;
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
