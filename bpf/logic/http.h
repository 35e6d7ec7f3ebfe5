/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which transfers are worth a look for HTTP/1.x; the agent reads them (agent/bpf/http_conversation.hpp). Pure. */
#ifndef AUTOTUNE_BPF_LOGIC_HTTP_H
#define AUTOTUNE_BPF_LOGIC_HTTP_H

#include "bpf/logic/runtime_api.h"

#define AT_HTTP_BEGINNING 8

/* Does a message perhaps begin with these? A text that begins with a verb need not be HTTP. */
static inline __attribute__((always_inline)) int at_begins_http(const char first[AT_HTTP_BEGINNING]) {
    switch (first[0]) {
        case 'G': return AT_STARTS_WITH(first, 0, "GET ");
        case 'H': return AT_STARTS_WITH(first, 0, "HTTP/1.") || AT_STARTS_WITH(first, 0, "HEAD ");
        case 'P':
            return AT_STARTS_WITH(first, 0, "POST ") || AT_STARTS_WITH(first, 0, "PUT ") ||
                   AT_STARTS_WITH(first, 0, "PATCH ");
        case 'D': return AT_STARTS_WITH(first, 0, "DELETE ");
        case 'O': return AT_STARTS_WITH(first, 0, "OPTIONS ");
        case 'C': return AT_STARTS_WITH(first, 0, "CONNECT ");
        default: return 0;
    }
}

/* Of those: an answer. */
static inline __attribute__((always_inline)) int at_begins_answer(const char first[AT_HTTP_BEGINNING]) {
    return AT_STARTS_WITH(first, 0, "HTTP/1.");
}

/* Perhaps POST /init or /run: of an OpenWhisk action's requests the body says what is to be done. */
static inline __attribute__((always_inline)) int at_begins_action(const char first[AT_HTTP_BEGINNING]) {
    return AT_STARTS_WITH(first, 0, "POST /ru") || AT_STARTS_WITH(first, 0, "POST /in");
}

/* A client's first words in HTTP/2. */
static inline __attribute__((always_inline)) int at_begins_http2(const char first[AT_HTTP_BEGINNING]) {
    return AT_STARTS_WITH(first, 0, "PRI * HT");
}

#define AT_HTTP_ENDING 5

/* The end of a body in chunks that has no trailers. */
static inline __attribute__((always_inline)) int at_ends_chunks(const char last[AT_HTTP_ENDING]) {
    return AT_STARTS_WITH(last, 0, "0\r\n\r\n");
}

/* The end of a head. */
static inline __attribute__((always_inline)) int at_ends_head(const char last[AT_HTTP_ENDING]) {
    return AT_STARTS_WITH(last, 1, "\r\n\r\n");
}

#endif
