#include "runtimes/python/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtimes/python/functions.h"
#include "runtimes/ring_process.h"

static struct at_ring *ring; /* at_ring_process, which is null while a trial goes on: only one thread takes part */
static struct at_ring *trial;
static struct at_thread *trial_thread;

/* As after a fork: what threads hold is nothing, so each takes a slot of the new ring when it needs one. */
static void forget_ring(void) {
    at_ring_finish();
    for (__u32 i = 0; i < AT_RING_SLOTS; ++i) {
        struct at_thread *t = ring->threads[i];
        if (t == NULL) continue;
        at_syscall(SYS_munmap, (long)t->stack, AT_RING_BODY_BYTES, 0, 0, 0, 0);
        if (t->index != NULL) at_syscall(SYS_munmap, (long)t->index, t->index_bytes, 0, 0, 0, 0);
        if (t->active != NULL) at_syscall(SYS_munmap, (long)t->active, (long)t->active_bytes, 0, 0, 0, 0);
        memset(t, 0, sizeof *t);
    }
    const int fd = at_ring_fd(ring);
    if (fd >= 0) close(fd);
    if (ring->base != NULL) munmap(ring->base, AT_RING_BODIES_AT);
    memset(ring, 0, sizeof *ring);
}

const char *at_recorder_start(const char *folder) {
    int made = 0;
    if (ring == NULL) {
        made = at_ring_start(folder, AT_RING_PYTHON);
        if (made == 0) pthread_atfork(NULL, NULL, at_functions_forget); /* the child's ring will have other names */
    } else {
        at_ring_process = NULL;
        forget_ring();
        at_functions_forget();
        snprintf(at_ring_folder, sizeof at_ring_folder, "%s", folder);
        if ((made = at_ring_make_here(ring, 0)) == 0) at_ring_process = ring;
    }
    switch (made) {
        case 0: break;
        case -EFBIG: return "the limit on the size of files (ulimit -f) leaves no room for the ring";
        case -ENOSPC: return "the file system of the ring is full";
        case -ENOMEM: return "there is no memory for the ring";
        default: return "the ring could not be made";
    }
    ring = at_ring_process;
    return NULL;
}

int at_recorder_file(void) { return at_ring_fd(ring); }

void at_recorder_open(struct at_bias bias) {
    at_ring_bias[0] = at_ring_header_of(at_ring_process)->bias_inside = bias.inside;
    at_ring_bias[1] = at_ring_header_of(at_ring_process)->bias_around = bias.around;
    at_ring_open();
}

const char *at_recorder_begin_trial(void) {
    trial = at_pages(sizeof *trial);
    trial_thread = trial != NULL && at_ring_make_private(trial) == 0 ? at_ring_take_slot(trial) : NULL;
    if (trial_thread == NULL) return "there is no memory for a trial";
    at_ring_current = trial_thread;
    at_ring_process = NULL;
    for (__u64 i = 0; i < 16 * AT_RING_CHUNK_BYTES; i += 4096) /* page faults are not the hook's cost */
        *(volatile char *)(trial->base + AT_RING_CHUNKS_AT + i) = 0;
    return NULL;
}

uint64_t at_recorder_end_trial(uint64_t function) {
    uint64_t calls = 0, ticks = 0;
    for (__u32 i = 1; i < trial_thread->slot->edges; ++i) {
        if (trial_thread->edges[i].function != function) continue;
        calls += trial_thread->edges[i].calls;
        ticks += trial_thread->edges[i].self;
    }
    at_ring_current = &at_ring_nobody;
    at_ring_process = ring;
    at_thread_unmake(trial_thread);
    munmap(trial->base, AT_RING_BODIES_AT);
    munmap(trial, sizeof *trial);
    return calls != 0 ? ticks * 1024 / calls : 0;
}

uint64_t at_recorder_ticks(void) { return at_ring_ticks(ring->counter); }

void at_recorder_enter(uint64_t function) {
    struct at_thread *t = at_ring_self();
    if (t != NULL) at_ring_enter(t, function, 0);
}

void at_recorder_leave(uint64_t function, uint32_t how) {
    struct at_thread *t = at_ring_self_or_null();
    if (t != NULL) at_ring_leave(t, function, how);
}

uint64_t at_recorder_name(const char *name, const char *file, uint32_t line) {
    if (at_ring_process != NULL) (void)at_ring_self(); /* a child of fork has no ring yet */
    struct at_ring *r = ring != NULL && ring->base != NULL ? ring : NULL;
    return r != NULL ? at_ring_name_function(r, name, strlen(name), file, strlen(file), line) : AT_RING_NAMED;
}

bool at_recorder_value(const char *value, const char *expression, uint32_t skipped) {
    const struct at_thread *t = at_ring_process != NULL ? at_ring_self() : NULL;
    if (t == NULL || at_ring_header_of(ring)->names_used > AT_RING_VALUES_BYTES) return false;
    char told[2048];
    struct at_ring_value head = {at_ring_ticks(ring->counter), t->number, skipped};
    const size_t length = strlen(expression);
    if (length > sizeof told - sizeof head) return false;
    memcpy(told, &head, sizeof head);
    memcpy(told + sizeof head, expression, length);
    const struct at_text name = {value, strlen(value)}, file = {told, sizeof head + length};
    return at_ring_append_name(ring, AT_RING_VALUE, name, file, 0) != AT_RING_NAMED;
}

__attribute__((destructor)) static void end_process(void) { at_ring_finish(); }
