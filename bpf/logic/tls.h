/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The calls of OpenSSL that are probed, and what they have moved. Pure; kernel and host. */
#ifndef AUTOTUNE_BPF_LOGIC_TLS_H
#define AUTOTUNE_BPF_LOGIC_TLS_H

#include <linux/types.h>

/* A probe's cookie. */
enum at_tls_call {
    AT_TLS_NONE = 0,
    AT_TLS_READ,     /* int SSL_read(ssl, buffer, size) */
    AT_TLS_READ_EX,  /* 1 or 0 = SSL_read_ex(ssl, buffer, size, &moved) */
    AT_TLS_WRITE,    /* int SSL_write(ssl, buffer, size) */
    AT_TLS_WRITE_EX, /* 1 or 0 = SSL_write_ex(ssl, buffer, size, &moved) */
    AT_TLS_SENDFILE, /* ssize_t SSL_sendfile(ssl, fd, offset, size, flags): the kernel does TLS */
    AT_TLS_HANDSHAKE, /* SSL_do_handshake(ssl) */
    AT_TLS_FREE,      /* SSL_free(ssl) */
};

#define AT_TLS_DEPTH 4 /* calls within calls: TLS through a proxy that is spoken to in TLS. A power of two */

static inline int at_tls_reads(unsigned call) { return call == AT_TLS_READ || call == AT_TLS_READ_EX; }
static inline int at_tls_writes(unsigned call) { return call >= AT_TLS_WRITE && call <= AT_TLS_SENDFILE; }
static inline int at_tls_has_count(unsigned call) {
    return call == AT_TLS_READ_EX || call == AT_TLS_WRITE_EX;
}

/* Bytes of plain text that a call has moved: `returned` is its return register, `count` what it wrote to its
 * fourth argument. */
static inline __u64 at_tls_moved(unsigned call, __u64 returned, __u64 count) {
    if (at_tls_has_count(call)) return (__s32)returned > 0 ? count : 0;
    if (call == AT_TLS_SENDFILE) return (__s64)returned > 0 ? returned : 0;
    if (call != AT_TLS_READ && call != AT_TLS_WRITE) return 0;
    return (__s32)returned > 0 ? (__u32)returned : 0;
}

#endif
