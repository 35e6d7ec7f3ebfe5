/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What three hash tables know of the processes that were sampled on this CPU lately: their numbers, whether there is a Python
 * interpreter, and their address space. Who changes one of those tables for a process counts up processes_version.
 */
#ifndef AUTOTUNE_BPF_PARTS_MET_PROCESSES_BPF_H
#define AUTOTUNE_BPF_PARTS_MET_PROCESSES_BPF_H

/* LRU: a process that nobody removes goes by itself. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct at_python_process);
} python_processes SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct at_unwind_process);
} unwind_processes SEC(".maps");

__u32 processes_version = 0;

struct at_met_process {
    __u64 start_ns;
    __u64 scope;
    __u32 pid;
    __u32 number;
    __u32 space;     /* 0: there are no tables for it */
    __u32 is_python; /* python_processes has it */
    __u32 version;
    __u32 left; /* so often, then the tables are asked again: what they are not asked for they forget */
};
#define AT_MET_PROCESSES 16 /* a power of two: an index is masked */
#define AT_MET_TURNS 256

/* False: there was no room to tell whose the samples are. */
static __always_inline int meet_process(struct at_met_process* met, __u32 pid, __u64 start_ns, __u64 scope) {
    const __u32 version = *(volatile __u32*)&processes_version; /* before the tables: a change meanwhile is seen next time */
    if (met->pid == pid && met->start_ns == start_ns && met->scope == scope && met->version == version && met->left) {
        --met->left;
        return 1;
    }
    met->left = 0;
    const __u32 number = process_number(pid, start_ns, scope);
    if (!number) return 0;
    const struct at_python_process* python = bpf_map_lookup_elem(&python_processes, &pid);
    const struct at_unwind_process* unwind = bpf_map_lookup_elem(&unwind_processes, &pid);
    met->pid = pid;
    met->start_ns = start_ns;
    met->scope = scope;
    met->number = number;
    met->is_python = python && python->start_ns == start_ns;
    met->space = unwind && unwind->start_ns == start_ns ? unwind->space : 0;
    met->version = version;
    met->left = AT_MET_TURNS;
    return 1;
}

static __always_inline void forget_process(__u32 pid) {
    bpf_map_delete_elem(&python_processes, &pid);
    bpf_map_delete_elem(&unwind_processes, &pid);
    __sync_fetch_and_add(&processes_version, 1);
}

#endif
