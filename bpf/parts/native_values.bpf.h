/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Arguments and variables that somebody wants to see when a function is entered. */
#ifndef AUTOTUNE_BPF_PARTS_NATIVE_VALUES_BPF_H
#define AUTOTUNE_BPF_PARTS_NATIVE_VALUES_BPF_H

#define AT_SECOND_NS 1000000000ull

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, AT_MAX_VALUES);
    __type(key, __u32);
    __type(value, struct at_native_wish);
} native_wishes SEC(".maps");

/* The registers are all read at fixed offsets, and chosen from afterwards: the verifier takes no other access to
 * the context, and a compiler that sees a switch makes one. */
AT_INLINE __u64 at_native_argument(const struct at_registers* r, __u32 number) {
#if defined(__TARGET_ARCH_x86)
    volatile __u64 all[8] = {r->di, r->si, r->dx, r->cx, r->r8, r->r9, 0, 0};
#else
    volatile __u64 all[8] = {r->regs[0], r->regs[1], r->regs[2], r->regs[3], r->regs[4], r->regs[5], 0, 0};
#endif
    return all[number & 7];
}

/* Whether one more may be told in this second. Two CPUs may both begin the same second: a few more are told. */
AT_INLINE int at_native_may_tell(struct at_native_wish* w, __u64 now) {
    if (!w->per_second) return 1;
    if (now - w->budget_since_ns >= AT_SECOND_NS) {
        w->budget_since_ns = now;
        w->budget_used = 0;
    }
    return __sync_fetch_and_add(&w->budget_used, 1) < w->per_second;
}

AT_INLINE void at_native_tell(const struct at_registers* r, const struct at_call_stack* s, __u32 index,
                              __u64 now) {
    struct at_native_wish* w = bpf_map_lookup_elem(&native_wishes, &index);
    if (!w) return;
    if (!at_native_may_tell(w, now)) {
        AT_NATIVE_COUNT(values_shed);
        return;
    }
    AT_NATIVE_COUNT(records);
    struct at_native_value* v = bpf_ringbuf_reserve(&native_records, sizeof *v, 0);
    if (!v) {
        AT_NATIVE_COUNT(ring_full);
        return;
    }
    at_native_fill(&v->head, s, AT_NATIVE_VALUE, index, now);
    v->number = 0;
    v->is_unreadable = 0;
    v->length = 0;
    const __u64 place = AT_PC(r) + w->from_probe;
    long got = 0;
    if (w->source == AT_VALUE_ARGUMENT) {
        v->number = at_native_argument(r, w->argument);
    } else if (w->form != AT_VALUE_INLINE_TEXT) {
        const __u32 size = ((w->size - 1) & (sizeof v->number - 1)) + 1; /* 1 to 8, as a verifier of 6.1 sees it */
        got = bpf_probe_read_user(&v->number, size, (const void*)place);
    }
    if (!got && w->form != AT_VALUE_NUMBER) {
        const __u64 text = w->form == AT_VALUE_INLINE_TEXT ? place : v->number;
        got = bpf_probe_read_user_str(v->text, sizeof v->text, (const void*)text);
        if (got > 0) v->length = got - 1;
    }
    if (got < 0) v->is_unreadable = 1;
    bpf_ringbuf_submit(v, BPF_RB_NO_WAKEUP);
}

AT_INLINE void at_native_tell_all(const struct at_registers* r, const struct at_call_stack* s, __u32 function) {
    const struct at_native_function* f = bpf_map_lookup_elem(&native_functions, &function);
    if (!f || !f->value_count) return;
    const __u64 now = bpf_ktime_get_ns();
    const __u32 first = f->first_value;
    const __u32 count = f->value_count;
    for (__u32 i = 0; i < AT_VALUES_A_FUNCTION; ++i) {
        if (i >= count) break;
        at_native_tell(r, s, first + i, now);
    }
}

#endif
