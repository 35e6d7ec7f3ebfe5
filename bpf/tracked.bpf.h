/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The map of watched cgroups, for every object that looks at it; its layout is in bpf/wire.h. */
#ifndef AUTOTUNE_BPF_TRACKED_BPF_H
#define AUTOTUNE_BPF_TRACKED_BPF_H

#include "bpf/wire.h"

#include <bpf/bpf_helpers.h>

/*
 * Filled by the `source` object. Another object shares it: before loading,
 * bpf_map__reuse_fd(its tracked_cgroups, BpfSource::tracked_cgroups_map_fd()).
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, AT_MAX_TRACKED);
    __type(key, __u64);
    __type(value, struct at_cgroup);
} tracked_cgroups SEC(".maps");

#endif
