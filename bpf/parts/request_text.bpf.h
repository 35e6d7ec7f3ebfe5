/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Is what a call sends a request to the Runtime API? Also when the request's first AT_REQUEST_PREFIX bytes
 * come in several sends: what was begun is kept, by descriptor, until the next send. Also when the bytes lie in
 * a page that the process has not touched yet (a constant, sent for the first time): we cannot fault it in, the
 * call does, so it is read at the call's exit.
 */
#ifndef AUTOTUNE_BPF_PARTS_REQUEST_TEXT_BPF_H
#define AUTOTUNE_BPF_PARTS_REQUEST_TEXT_BPF_H

struct at_fd_key {
    __u32 tgid;
    __u32 fd;
};

struct at_beginning {
    __u64 sk; /* of another socket: the number was used again, the entry is stale */
    __u32 size;
    char text[AT_REQUEST_PREFIX]; /* padded with zeros */
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, struct at_fd_key);
    __type(value, struct at_beginning);
} beginnings SEC(".maps");

/* Somebody splits: hardly any machine has such a runtime, and the others need not look for beginnings. */
volatile __u32 at_has_beginnings = 0;

struct at_bytes {
    const void* at; /* user memory */
    __u64 size;
};

/* The first piece of memory that a call sends or has received into. False when the vector is not in memory. */
AT_INLINE int at_first_bytes(__u32 call, __u64 pointer, __u64 size, struct at_bytes* found) {
    found->at = 0;
    found->size = 0;
    if (call == AT_CALL_SENDMSG || call == AT_CALL_RECVMSG || at_counts_messages(call)) {
        /* struct user_msghdr: name, name's size, iov at 16, their number */
        const void* vector = 0;
        if (bpf_probe_read_user(&vector, sizeof vector, (const void*)(pointer + 16))) return 0;
        pointer = (__u64)vector;
    } else if (call != AT_CALL_WRITEV && call != AT_CALL_READV) {
        found->at = (const void*)pointer;
        found->size = size;
        return 1;
    }
    return !pointer || !bpf_probe_read_user(found, sizeof *found, (const void*)pointer);
}

/* What a send says. */
struct at_heard {
    enum at_request request;
    __u32 begun;                      /* bytes of `text` that are of earlier sends */
    char text[AT_REQUEST_PREFIX * 2]; /* the request's first, if it is one; room for what this send adds */
    struct at_bytes bytes;            /* of this send */
};

/* Adds to heard->text, which holds `have` bytes; how many it holds then. */
AT_INLINE __u32 at_add_text(struct at_heard* heard, __u32 have) {
    barrier_var(have);
    if (have >= AT_REQUEST_PREFIX) return have;
    __u32 n = heard->bytes.size < AT_REQUEST_PREFIX ? heard->bytes.size : AT_REQUEST_PREFIX;
    barrier_var(n);
    if (!n || n > AT_REQUEST_PREFIX) return have;
    return bpf_probe_read_user(heard->text + have, n, heard->bytes.at) ? have : have + n;
}

/* Is what would be copied of the bytes in memory? Their first is; they touch two pages at most. */
AT_INLINE int at_reaches_end(const struct at_bytes* bytes) {
    char last;
    const __u64 n = bytes->size < AT_HEAD_SIZE ? bytes->size : AT_HEAD_SIZE;
    return !bpf_probe_read_user(&last, sizeof last, bytes->at + n - 1);
}

enum at_first_words { AT_FIRST_WORDS_OTHER, AT_FIRST_WORDS_PERHAPS, AT_FIRST_WORDS_UNREAD };

/* The cheap questions: nearly everything ends here. `first`: the first eight bytes; 0 when there are fewer. */
AT_INLINE enum at_first_words at_first_words(const struct at_bytes* bytes, __u64* first) {
    *first = 0;
    if (!bytes->at || !bytes->size) return AT_FIRST_WORDS_OTHER;
    if (bytes->size >= AT_REQUEST_BEGINNING) {
        if (bpf_probe_read_user(first, AT_REQUEST_BEGINNING, bytes->at)) return AT_FIRST_WORDS_UNREAD;
        const char* text = (const char*)first;
        if (AT_STARTS_WITH(text, 0, "GET /201") || AT_STARTS_WITH(text, 0, "POST /20"))
            return AT_FIRST_WORDS_PERHAPS;
    }
    return at_has_beginnings ? AT_FIRST_WORDS_PERHAPS : AT_FIRST_WORDS_OTHER;
}

AT_APART int at_hear(__u64 fd, __u64 address, __u64 size_sent, struct at_heard* heard) {
    struct task_struct* task = bpf_get_current_task_btf();
    if (!heard || !address || !size_sent) return 0;
    const struct at_bytes bytes = {.at = (const void*)address, .size = size_sent};
    heard->bytes = bytes;
    __u64 first = 0;
    const enum at_first_words words = at_first_words(&bytes, &first);
    if (words == AT_FIRST_WORDS_OTHER) return 0;
    const char* text = (const char*)&first;
    const int is_start = AT_STARTS_WITH(text, 0, "GET /201") || AT_STARTS_WITH(text, 0, "POST /20");
    if (words == AT_FIRST_WORDS_UNREAD || !at_reaches_end(&bytes)) {
        heard->request = AT_REQUEST_UNREAD;
        return 0;
    }
    struct at_fd_key key = {.tgid = task->tgid, .fd = fd};
    struct at_beginning* begun = at_has_beginnings ? bpf_map_lookup_elem(&beginnings, &key) : 0;
    struct sock* sk = 0;
    if (!is_start) {
        if (!begun || at_look_up(task, fd, &sk) != AT_FILE_SOCKET || begun->sk != (__u64)sk) return 0;
        __builtin_memcpy(heard->text, begun->text, sizeof begun->text);
        heard->begun = begun->size;
    }
    const __u32 size = at_add_text(heard, heard->begun);
    if (size >= AT_REQUEST_PREFIX) {
        if (begun) bpf_map_delete_elem(&beginnings, &key);
        heard->request = at_recognise_request(heard->text);
        return 0;
    }
    if (!at_may_become_request(heard->text, size) || (!sk && at_look_up(task, fd, &sk) != AT_FILE_SOCKET)) {
        if (begun) bpf_map_delete_elem(&beginnings, &key);
        return 0;
    }
    struct at_beginning kept = {.sk = (__u64)sk, .size = size};
    __builtin_memcpy(kept.text, heard->text, sizeof kept.text);
    if (bpf_map_update_elem(&beginnings, &key, &kept, BPF_ANY)) {
        at_count_state_full();
        return 0;
    }
    at_has_beginnings = 1;
    heard->request = AT_REQUEST_BEGUN;
    return 0;
}

#endif
