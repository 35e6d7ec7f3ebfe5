#define _GNU_SOURCE
#include "runtimes/native/returns.h"

#include <sys/mman.h>
#include <sys/uio.h>

#include "runtimes/ring_system.h"

struct at_return at_native_calls[AT_STUBS];
__thread struct at_own_returns at_own_returns __attribute__((tls_model("initial-exec")));

enum { PAGE = 4096, GROUPS_A_PAGE = PAGE / AT_GROUP_BYTES, PAGES = AT_STUBS_BYTES / PAGE };
static __u32 pages_made; /* a page that was made is some thread's for good */

static __u64 stub_address(__u32 n) { return (__u64)&at_native_stubs[n]; }

/* Anonymous memory in place of what is reserved, so that no file is needed for it. */
static int make_page(__u32 page) {
    __u8 *code = (__u8 *)at_native_stubs + page * PAGE;
    const long kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (at_syscall(SYS_mmap, (long)code, PAGE, PROT_READ | PROT_WRITE, kind, -1, 0) != (long)code) return 0;
    for (__u32 i = 0; i < PAGE; ++i) code[i] = at_native_template[i % AT_GROUP_BYTES];
    for (__u32 i = 0; i < GROUPS_A_PAGE; ++i) {
        const __u32 group = page * GROUPS_A_PAGE + i;
        __u64 *end_of_table = &at_native_returns[(group + 1) * AT_GROUP - 2];
        end_of_table[0] = group;
        end_of_table[1] = (__u64)at_native_return;
    }
    return at_syscall(SYS_mprotect, (long)code, PAGE, PROT_READ | PROT_EXEC, 0, 0, 0) == 0;
}

int at_returns_grow(struct at_own_returns *r) {
    if (r->groups_used + GROUPS_A_PAGE > AT_MAX_GROUPS || __atomic_load_n(&pages_made, __ATOMIC_RELAXED) >= PAGES)
        return 0;
    const __u32 page = __atomic_fetch_add(&pages_made, 1, __ATOMIC_RELAXED);
    if (page >= PAGES || !make_page(page)) return 0;
    for (__u32 i = 0; i < GROUPS_A_PAGE; ++i) r->groups[r->groups_used++] = (__u16)(page * GROUPS_A_PAGE + i);
    return 1;
}

/* The word may be on a stack that is no more. */
static int still_holds(const __u64 *location, __u64 wanted) {
    __u64 word = 0;
    struct iovec to = {&word, sizeof word}, from = {(void *)location, sizeof word};
    const long pid = at_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    const long got = at_syscall(SYS_process_vm_readv, pid, (long)&to, 1, (long)&from, 1, 0);
    if (got == sizeof word) return word == wanted;
    return got != -14 /* EFAULT: nobody can return to what is not there. Else we do not know */;
}

static void close_free_ones(struct at_own_returns *r) {
    while (r->open > 0 && at_native_calls[at_stub_number(r, r->open - 1)].location == 0) --r->open;
    r->innermost = r->open > 0 ? at_native_calls[at_stub_number(r, r->open - 1)].location : 0;
}

int at_returns_unnested(struct at_own_returns *r, __u64 *location) {
    r->busy = 1;
    AT_BARRIER();
    while (r->open > 0 && r->innermost <= location) {
        const __u32 n = at_stub_number(r, r->open - 1);
        /* Where somebody returns now, nobody else does. */
        if (r->innermost != location && still_holds(r->innermost, stub_address(n))) break;
        at_native_calls[n].location = 0;
        close_free_ones(r);
    }
    AT_BARRIER();
    r->busy = 0;
    return 0;
}

__u64 at_returns_give(struct at_return *one) {
    struct at_own_returns *r = &at_own_returns;
    const __u32 n = (__u32)(one - at_native_calls);
    const __u64 to = at_native_returns[n];
    r->busy = 1;
    AT_BARRIER();
    one->location = 0;
    if (r->open > 0) close_free_ones(r); /* when it is another thread's, or not the newest, that one's turn comes */
    AT_BARRIER();
    r->busy = 0;
    return to;
}
