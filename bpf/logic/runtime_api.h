/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Is this the beginning of a request to the Lambda Runtime API, and of which kind? Pure; kernel and host.
 * Paths: AWS Lambda Developer Guide, "Using the Lambda runtime API", version 2018-06-01.
 */
#ifndef AUTOTUNE_BPF_LOGIC_RUNTIME_API_H
#define AUTOTUNE_BPF_LOGIC_RUNTIME_API_H

enum at_request {
    AT_REQUEST_NONE = 0,   /* not Runtime API */
    AT_REQUEST_NEXT,       /* GET  …/invocation/next */
    AT_REQUEST_INVOCATION, /* POST …/invocation/ID/response or /error */
    AT_REQUEST_INIT_ERROR, /* POST …/init/error */
    AT_REQUEST_OTHER,      /* something else below /2018-06-01/runtime/ */
    AT_REQUEST_BEGUN,      /* too little to know; the next send will tell */
    AT_REQUEST_UNREAD,     /* not in memory; the call's exit will tell */
};

/* As many bytes as are needed to know; shorter messages are padded with zeros. */
#define AT_REQUEST_PREFIX 40
/* As many as a request must begin with in its first send: most traffic is told apart by them. */
#define AT_REQUEST_BEGINNING 8

#define AT_STARTS_WITH(text, at, literal) at_same_bytes((text) + (at), literal, sizeof(literal) - 1)

static inline __attribute__((always_inline)) int at_same_bytes(const char* a, const char* b,
                                                               unsigned long n) {
    for (unsigned long i = 0; i < n; ++i)
        if (a[i] != b[i]) return 0;
    return 1;
}

static inline __attribute__((always_inline)) enum at_request at_recognise_request(
    const char text[AT_REQUEST_PREFIX]) {
    if (AT_STARTS_WITH(text, 0, "GET /2018-06-01/runtime/"))
        return AT_STARTS_WITH(text, 24, "invocation/next") ? AT_REQUEST_NEXT : AT_REQUEST_OTHER;
    if (!AT_STARTS_WITH(text, 0, "POST /2018-06-01/runtime/")) return AT_REQUEST_NONE;
    if (AT_STARTS_WITH(text, 25, "invocation/")) return AT_REQUEST_INVOCATION;
    if (AT_STARTS_WITH(text, 25, "init/error")) return AT_REQUEST_INIT_ERROR;
    return AT_REQUEST_OTHER;
}

#define AT_BEGINS_LIKE(text, size, literal) at_begins_like(text, size, literal, sizeof(literal) - 1)

static inline __attribute__((always_inline)) int at_begins_like(const char* text, unsigned size,
                                                                const char* request, unsigned long n) {
    for (unsigned long i = 0; i < n; ++i)
        if (i < size && text[i] != request[i]) return 0;
    return 1;
}

/* May more bytes make a request of these `size`, fewer than AT_REQUEST_PREFIX, padded with zeros? */
static inline __attribute__((always_inline)) int at_may_become_request(const char text[AT_REQUEST_PREFIX],
                                                                       unsigned size) {
    if (size < AT_REQUEST_BEGINNING || size >= AT_REQUEST_PREFIX) return 0;
    return AT_BEGINS_LIKE(text, size, "GET /2018-06-01/runtime/") ||
           AT_BEGINS_LIKE(text, size, "POST /2018-06-01/runtime/");
}

#endif
