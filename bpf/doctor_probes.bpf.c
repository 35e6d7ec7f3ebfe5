// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The smallest program of each kind that the agent needs: whether it loads is what `autotune doctor` tells,
// and what it costs is what it measures. Each is loaded alone.
// libbpf's headers want the kernel's types before them.
// clang-format off
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
// clang-format on

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u32 measured_pid = 0;  // whose system calls are recorded

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, __u64);
} table SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, __u64);
} per_task SEC(".maps");

SEC("raw_tp/sys_enter")
int empty(void* ctx) { return 0; }

SEC("raw_tp/sys_enter")
int record(void* ctx) {
    if (bpf_get_current_pid_tgid() >> 32 != measured_pid) return 0;
    __u64 bytes[8] = {bpf_ktime_get_ns()};
    bpf_ringbuf_output(&ring, bytes, sizeof bytes, BPF_RB_NO_WAKEUP);
    return 0;
}

SEC("raw_tp/sys_enter")
int update(void* ctx) {
    __u64 key = bpf_get_current_pid_tgid();
    if (key >> 32 != measured_pid) return 0;
    __u64 now = bpf_ktime_get_ns();
    bpf_map_update_elem(&table, &key, &now, BPF_ANY);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int storage(void* ctx) {
    __u64* value =
        bpf_task_storage_get(&per_task, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (value) *value = 1;
    return 0;
}

SEC("tp_btf/sched_switch")
int switched(void* ctx) { return 0; }

SEC("tp_btf/mark_victim")
int victim(void* ctx) { return 0; }

SEC("perf_event")
int tick(void* ctx) { return 0; }

SEC("kprobe")  // what a uprobe's program is
int probe(void* ctx) { return 0; }
