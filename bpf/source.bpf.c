// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The kernel side of the event source: one object, one concern a part. Tracepoints only.
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel_types.h"
#include "bpf/logic/calls.h"
#include "bpf/logic/http.h"
#include "bpf/logic/runtime_api.h"
#include "bpf/logic/off_cpu.h"
#include "bpf/logic/tls.h"
#include "bpf/tracked.bpf.h"
#include "bpf/wire.h"

// Each part uses those above it: the order matters.
// clang-format off
#include "bpf/parts/common.bpf.h"
#include "bpf/parts/cpu_time.bpf.h"
#include "bpf/parts/scope.bpf.h"
#include "bpf/parts/every_call.bpf.h"
#include "bpf/parts/files.bpf.h"
#include "bpf/parts/code_files.bpf.h"
#include "bpf/parts/off_cpu.bpf.h"
#include "bpf/parts/settle.bpf.h"
#include "bpf/parts/memory.bpf.h"
#include "bpf/parts/usage.bpf.h"
#include "bpf/parts/request_text.bpf.h"
#include "bpf/parts/untold.bpf.h"
#include "bpf/parts/process.bpf.h"
#include "bpf/parts/runtime_api.bpf.h"
#include "bpf/parts/connect.bpf.h"
#include "bpf/parts/trouble.bpf.h"
#include "bpf/parts/not_decoded.bpf.h"
#include "bpf/parts/dns.bpf.h"
#include "bpf/parts/http.bpf.h"
#include "bpf/parts/tls_state.bpf.h"
#include "bpf/parts/unix.bpf.h"
#include "bpf/parts/io.bpf.h"
#include "bpf/parts/messages.bpf.h"
#include "bpf/parts/moves.bpf.h"
#include "bpf/parts/waits.bpf.h"
#include "bpf/parts/names.bpf.h"
#include "bpf/parts/only_boundaries.bpf.h"
#include "bpf/parts/socket_ends.bpf.h"
#include "bpf/parts/syscalls.bpf.h"
#include "bpf/parts/taken_up.bpf.h"
#include "bpf/parts/tls.bpf.h"
// clang-format on

char LICENSE[] SEC("license") = "Dual BSD/GPL";
