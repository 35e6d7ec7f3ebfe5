// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Exact calls of native functions: their entries and ends, timed, summed up by function, caller and thread, and
// told one by one; and values that were asked for. Probes: uprobes, whose cookie is the function's index.
// Records and maps: bpf/calls_wire.h; what a call took: bpf/logic/call_stack.h.
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/calls_wire.h"
#include "bpf/kernel_types.h"
#include "bpf/logic/call_stack.h"

// Each part uses those above it: the order matters.
// clang-format off
#include "bpf/parts/native_common.bpf.h"
#include "bpf/parts/native_scope.bpf.h"
#include "bpf/parts/native_values.bpf.h"
#include "bpf/parts/native_calls.bpf.h"
// clang-format on

char LICENSE[] SEC("license") = "Dual BSD/GPL";
