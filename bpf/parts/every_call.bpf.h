/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every system call, whatever it does: each told, or only counted (at_every_call). Hooks of syscalls.bpf.h, which must
 * cost next to nothing: a call that does nothing takes 170 ns, a look-up in task storage 45, a program more 30.
 *
 * Not seen: calls that never return; what a thread calls between its move into a watched cgroup and its first call
 * on a descriptor.
 */
#ifndef AUTOTUNE_BPF_PARTS_EVERY_CALL_BPF_H
#define AUTOTUNE_BPF_PARTS_EVERY_CALL_BPF_H

const volatile __u32 at_sigreturn = 0; /* its number: the only call that has none any more when it returns */

/* Where the calls of a process are counted. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, AT_CALL_SLOTS);
    __type(key, __u32);
    __type(value, struct at_call_counts);
} call_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, AT_CALL_SLOTS);
    __type(key, __u32);
    __type(value, struct at_slot_owner);
} slot_owners SEC(".maps");

/* Slots that nobody has; the agent fills it, and gives back those of processes that have ended. */
struct {
    __uint(type, BPF_MAP_TYPE_STACK);
    __uint(max_entries, AT_CALL_SLOTS);
    __type(value, __u32);
} free_slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AT_CALL_SLOTS);
    __type(key, __u32); /* tgid */
    __type(value, __u32);
} slots SEC(".maps");

AT_APART int at_find_slot(void) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_known_thread(task);
    __u32 tgid = task->tgid;
    __u32 slot = 0;
    const __u32* known = bpf_map_lookup_elem(&slots, &tgid);
    if (known) {
        slot = *known;
    } else if (thread) {
        if (bpf_map_pop_elem(&free_slots, &slot)) {
            at_count_state_full();
            return 0;
        }
        if (bpf_map_update_elem(&slots, &tgid, &slot, BPF_NOEXIST)) { /* another thread was first */
            bpf_map_push_elem(&free_slots, &slot, 0);
            return 0;
        }
        struct at_slot_owner* owner = bpf_map_lookup_elem(&slot_owners, &slot);
        if (owner) {
            owner->start_ns = AT_FOLLOW(task)->group_leader->start_boottime;
            owner->scope = thread->scope;
            owner->tgid = tgid;
        }
    }
    at_slot_cache[tgid & (AT_SLOT_CACHE - 1)] = at_slot_tag(tgid) | slot;
    return slot;
}

AT_INLINE void at_count_call(struct task_struct* task, long number, long returned) {
    const __u32 tgid = task->tgid;
    const __u64 cached = at_slot_cache[tgid & (AT_SLOT_CACHE - 1)];
    __u32 slot = cached & 0xfff;
    if ((cached & ~0xfffull) != at_slot_tag(tgid)) slot = at_find_slot();
    if (!slot || at_is_foreign_abi(task)) return;
    struct at_call_counts* counts = bpf_map_lookup_elem(&call_counts, &slot);
    if (!counts) return;
    const __u32 index = (number < 0 ? at_sigreturn : (__u32)number) & (AT_SYSCALL_NUMBERS - 1);
    ++counts->calls[index];
    if (returned < 0 && returned >= -4095) ++counts->failures[index];
}

AT_INLINE void at_leave_slot(struct task_struct* task) {
    __u32 tgid = task->tgid; /* the next owner of the number is somebody else, also if we count again only then */
    bpf_map_delete_elem(&slots, &tgid);
    at_forget_slot(tgid);
}

AT_INLINE void at_call_begins(struct at_thread* thread, long number) {
    thread->every_number = number;
    thread->every_ns = bpf_ktime_get_ns();
}

AT_INLINE void at_call_ended(struct task_struct* task, struct at_thread* thread, const struct pt_regs* regs,
                             long returned, __u64 now) {
    const __u64 entered = thread->every_ns;
    thread->every_ns = 0;
    struct at_syscall_record* r = at_reserve(AT_SYSCALL, sizeof *r);
    if (!r) return;
    at_fill_header_at(&r->header, AT_SYSCALL, sizeof *r, task, thread->scope, now);
    r->result = returned;
    r->latency_ns = now - entered;
    r->number = thread->every_number;
    r->reserved = 0;
    /* As they were: a call returns in another register. */
    r->arguments[0] = AT_ARG0(regs);
    r->arguments[1] = AT_ARG1(regs);
    r->arguments[2] = AT_ARG2(regs);
    r->arguments[3] = AT_ARG3(regs);
    r->arguments[4] = AT_ARG4(regs);
    r->arguments[5] = AT_ARG5(regs);
    at_submit(r);
}

#endif
