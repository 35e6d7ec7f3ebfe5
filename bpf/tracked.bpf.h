/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of what is watched, for every object that looks at them; their layout is in bpf/wire.h. */
#ifndef AUTOTUNE_BPF_TRACKED_BPF_H
#define AUTOTUNE_BPF_TRACKED_BPF_H

#include "bpf/wire.h"

#include <bpf/bpf_helpers.h>

/*
 * Filled by the `source` object. Another object shares them: before loading, bpf_map__reuse_fd() with what
 * BpfSource::tracked_maps() says.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AT_MAX_TRACKED);
    __type(key, __u64);
    __type(value, struct at_cgroup);
} tracked_cgroups SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AT_MAX_TRACKED);
    __type(key, __u32);
    __type(value, __u64);
} tracked_processes SEC(".maps");

/* The tree that the process is of; 0: none. */
static __always_inline __u64 at_tree_of(__u32 tgid) {
    const __u64* tree = bpf_map_lookup_elem(&tracked_processes, &tgid);
    return tree ? *tree : 0;
}

/* The scope of a task of that process and cgroup; 0: it is not watched. */
static __always_inline __u64 at_tracked_scope(__u32 tgid, __u64 cgroup) {
    const __u64 tree = at_tree_of(tgid);
    if (tree) return tree;
    return bpf_map_lookup_elem(&tracked_cgroups, &cgroup) ? cgroup : 0;
}

#endif
