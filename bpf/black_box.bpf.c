// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The moment a watched process is killed, as it was: taken where each of its threads learns of the kill, on its way out,
// when its stack and memory are still there. Nobody is stopped or delayed for it. What must be known before is
// remembered while it lives: its last system calls. Records: bpf/black_box_wire.h. x86-64.
// clang-format off
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel_types.h"
#include "bpf/black_box_wire.h"
#include "bpf/tracked.bpf.h"

#define at_read_user(to, size, address) bpf_probe_read_user(to, size, (const void*)(address))
#include "bpf/logic/python_walk.h"
#include "bpf/parts/black_box_state.bpf.h"
#include "bpf/parts/memory.bpf.h"
#include "bpf/parts/black_box_path.bpf.h"
#include "bpf/parts/black_box_life.bpf.h"
#include "bpf/parts/black_box_files.bpf.h"
#include "bpf/parts/black_box_threads.bpf.h"
#include "bpf/parts/black_box_death.bpf.h"
// clang-format on

char LICENSE[] SEC("license") = "Dual BSD/GPL";
