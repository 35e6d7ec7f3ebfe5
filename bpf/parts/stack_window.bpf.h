/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Words of the running thread's stack: a piece is read at once, and most of the words that a walk asks for are in it. A call
 * that reads user space costs nearly the same for a word and for a piece.
 */
#ifndef AUTOTUNE_BPF_PARTS_STACK_WINDOW_BPF_H
#define AUTOTUNE_BPF_PARTS_STACK_WINDOW_BPF_H

#define AT_WINDOW_WORDS 64 /* a power of two: an index is masked */
#define AT_WINDOW_BELOW 64 /* bytes: a return address is asked for before what was saved below it */
#define AT_WINDOW_NONE (~0ull)

struct at_stack_window {
    __u64 base; /* address of the first word; AT_WINDOW_NONE: nothing was read */
    __u64 words[AT_WINDOW_WORDS];
};

/* 0: *word was read. The memory around it may end there: then it is read alone. */
static __always_inline int read_through_window(struct at_stack_window* window, __u64* word, __u64 address) {
    if (address & 7) return bpf_probe_read_user(word, sizeof *word, (const void*)address);
    __u64 index = (address - window->base) / sizeof *word;
    if (index >= AT_WINDOW_WORDS) {
        const __u64 base = address - AT_WINDOW_BELOW;
        window->base = AT_WINDOW_NONE;
        if (bpf_probe_read_user(window->words, sizeof window->words, (const void*)base))
            return bpf_probe_read_user(word, sizeof *word, (const void*)address);
        window->base = base;
        index = AT_WINDOW_BELOW / sizeof *word;
    }
    *word = window->words[index & (AT_WINDOW_WORDS - 1)];
    return 0;
}

#endif
