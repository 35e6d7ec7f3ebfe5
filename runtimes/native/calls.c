#define _GNU_SOURCE
#include "runtimes/native/calls.h"

#include <stdlib.h>

#include "runtimes/native/modules.h"
#if defined(__x86_64__)
#include "runtimes/native/returns.h"
#endif
#include "runtimes/ring_process.h"

static __u32 started; /* 1: somebody is at it; 2: done, whatever came of it */
static __thread __u32 starting __attribute__((tls_model("initial-exec")));
static __thread __u32 jumped __attribute__((tls_model("initial-exec")));

void at_calls_refuse(const char *reason) {
    const char *folder = getenv(AT_RING_ENVIRONMENT);
    char path[256];
    unsigned length = 0;
    while (folder != 0 && folder[length] != 0) ++length;
    if (length == 0 || length > sizeof path - 32) return;
    char *end = at_put_text(path, folder);
    end = at_put_text(end, "/");
    end = at_put_number(end, (__u64)at_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
    *at_put_text(end, ".refused") = 0;
    const long fd = at_syscall(SYS_openat, -100, (long)path, 02001101 /* WRONLY, CREAT, TRUNC, CLOEXEC */, 0600, 0, 0);
    if (at_failed(fd)) return;
    unsigned size = 0;
    while (reason[size] != 0) ++size;
    at_syscall(SYS_write, fd, (long)reason, size, 0, 0, 0);
    at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* --- names for addresses ------------------------------------------------------------------------------- */

static struct at_mapping told[512];
static __u32 told_count;

static void tell_module(const struct at_mapping *m) {
    for (__u32 i = 0; i < told_count; ++i)
        if (told[i].start == m->start && told[i].end == m->end && told[i].inode == m->inode) return;
    if (told_count == sizeof told / sizeof told[0]) return;
    told[told_count++] = *m;
    const struct at_ring_module module = {m->start, m->end, m->offset, m->inode};
    const struct at_text name = {m->path, m->path_bytes}, file = {(const char *)&module, sizeof module};
    at_ring_append_name(at_ring_process, AT_RING_MODULE, name, file, 0);
}

/* Those that this ring does not have yet. One thread at a time; who comes meanwhile leaves it to the other. */
AT_COLD void tell_modules(void) {
    static __u32 at_it;
    if (__atomic_exchange_n(&at_it, 1u, __ATOMIC_ACQUIRE) != 0) return;
    if (at_ring_header_of(at_ring_process)->names_used == 8) told_count = 0; /* a forked child's ring is a new one */
    at_modules_each(tell_module);
    __atomic_store_n(&at_it, 0u, __ATOMIC_RELEASE);
}

/* Perhaps of a library that was loaded meanwhile, and may be gone when its name is asked for. */
AT_COLD void new_function(__u64 function) {
    for (__u32 i = 0; i < told_count; ++i)
        if (function >= told[i].start && function < told[i].end) return;
    if (at_ring_current->ring == at_ring_process) tell_modules();
}

/* --- a slot for the calling thread ---------------------------------------------------------------- */

/* The first call of a thread, of a forked child, or of the process. Who comes while another thread starts waits: it is
 * a few milliseconds, once. */
AT_COLD struct at_thread *first_call(void) {
    if (starting) return at_ring_current->slot != 0 ? at_ring_current : 0;
    if (__atomic_load_n(&started, __ATOMIC_ACQUIRE) == 0) {
        const char *why = at_calls_start(AT_PROBES_HOOKS);
        if (why != 0 && why[0] != 0) at_calls_refuse(why);
    }
    while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) != 2) at_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    struct at_thread *t = at_ring_self();
    if (t != 0 && t->ring == at_ring_process && at_ring_header_of(t->ring)->names_used == 8) tell_modules();
    return t;
}

static inline struct at_thread *self(void) {
    struct at_thread *t = at_ring_current;
    return AT_UNLIKELY(t->slot == 0) ? first_call() : t;
}

/* --- -finstrument-functions ------------------------------------------------------------------------- */

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);

__attribute__((visibility("default"))) void __cyg_profile_func_enter(void *function, void *site) {
    (void)site;
    struct at_thread *t = self();
    if (AT_UNLIKELY(t == 0)) return;
    const __u64 frame = (__u64)__builtin_frame_address(0);
    if (AT_UNLIKELY(jumped)) jumped = 0, at_ring_cut(t, frame);
    at_ring_enter(t, (__u64)function, frame);
}

__attribute__((visibility("default"))) void __cyg_profile_func_exit(void *function, void *site) {
    (void)site;
    struct at_thread *t = at_ring_self_or_null();
    if (AT_UNLIKELY(t == 0)) return;
    if (AT_UNLIKELY(jumped)) jumped = 0, at_ring_cut(t, (__u64)__builtin_frame_address(0));
    at_ring_leave(t, (__u64)function, AT_RING_RETURNED);
}

static __attribute__((noinline)) void empty(int probed) {
    if (probed) __cyg_profile_func_enter((void *)empty, 0);
    AT_BARRIER();
    if (probed) __cyg_profile_func_exit((void *)empty, 0);
}
static void hooked_pairs(__u32 n, int probed) {
    for (; n > 0; --n) empty(probed);
}
void at_calls_jumped(void) {
    if (at_ring_current->slot != 0) jumped = 1;
}

/* --- -fpatchable-function-entry ------------------------------------------------------------------------ */

#if defined(__x86_64__)

/* How far apart two frames of one stack are at most; beyond, they are of two stacks. */
#define AT_STACK_REACH (8ull << 20)

/* Calls whose frames are deeper than one that is entered now are gone. */
AT_COLD void cut_left_behind(struct at_thread *t, __u64 *location) {
    const __u32 depth = t->slot->depth;
    if (depth == 0 || depth >= t->stack_ready) return;
    const __u64 innermost = t->stack[depth].frame;
    if (innermost < (__u64)location && (__u64)location - innermost < AT_STACK_REACH) at_ring_cut(t, (__u64)location);
}

/* It may have been cut before: on another stack, or by a thread that is gone. */
static inline void close_call(struct at_thread *t, const struct at_return *one) {
    const __u64 frame = (__u64)one->location;
    const struct at_ring_slot *s = t->slot;
    if (AT_UNLIKELY(s->depth >= t->stack_ready)) return at_ring_leave(t, one->function, AT_RING_RETURNED);
    if (AT_UNLIKELY(t->stack[s->depth].frame != frame)) at_ring_cut(t, frame);
    if (s->depth != 0 && t->stack[s->depth].frame == frame) at_ring_leave(t, one->function, AT_RING_RETURNED);
}

void at_native_entered(__u64 *location, __u64 resume) {
    struct at_thread *t = self();
    if (AT_UNLIKELY(t == 0)) return;
    struct at_return *tail = at_return_of(*location);
    if (AT_UNLIKELY(tail != 0)) { /* a tail call: the caller's frame is this one's now, which returns for both */
        close_call(t, tail);
        tail->function = resume;
    } else {
        if (AT_UNLIKELY(!at_returns_nest(location))) cut_left_behind(t, location);
        if (AT_UNLIKELY(!at_returns_take(location, resume))) {
            ++t->slot->unpaired;
            return;
        }
    }
    at_ring_enter(t, resume, (__u64)location);
}

__u64 at_native_left(__u64 group, __u64 number) {
    struct at_return *one = &at_native_calls[group * AT_GROUP + number];
    struct at_thread *t = at_ring_self_or_null();
    if (t != 0) close_call(t, one);
    return at_returns_give(one);
}

static void patched_pairs(__u32 n, int probed) {
    for (; n > 0; --n) (probed ? at_native_trial : at_native_trial_bare)();
}
#else
#define patched_pairs hooked_pairs /* nothing is patched here */
#endif

/* --- the process ------------------------------------------------------------------------------------------ */

const char *at_calls_start(enum at_probes probes) {
    __u32 nobody = 0;
    if (!__atomic_compare_exchange_n(&started, &nobody, 1u, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return "";
    starting = 1;
    const char *folder = getenv(AT_RING_ENVIRONMENT);
    const char *why = "";
    if (folder != 0 && folder[0] != 0) {
        switch (at_ring_start(folder, AT_RING_NATIVE)) {
            case 0: why = 0; break;
            case -27: why = "the limit on the size of files (ulimit -f) leaves no room for the ring"; break;
            case -28: why = "the file system of the ring is full"; break;
            case -12: why = "there is no memory for the ring"; break;
            default: why = "the ring could not be made";
        }
    }
    if (why == 0) {
        at_ring_calibrate(probes == AT_PROBES_PATCHED ? patched_pairs : hooked_pairs);
        tell_modules();
        at_ring_new_function = new_function;
        at_ring_open();
    }
    starting = 0;
    __atomic_store_n(&started, 2u, __ATOMIC_RELEASE);
    return why;
}

int at_calls_have_started(void) {
    return __atomic_load_n(&started, __ATOMIC_ACQUIRE) == 2 && at_ring_process != 0 && at_ring_process->ready;
}

/* Libraries that were loaded meanwhile have names, too. */
__attribute__((destructor)) static void end_process(void) {
    if (at_ring_process != 0 && at_ring_process->ready) tell_modules();
    at_ring_finish();
}
