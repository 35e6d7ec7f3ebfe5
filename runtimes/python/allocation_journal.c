#include "runtimes/python/allocation_journal.h"

#include <string.h>

enum { RECORDS_STEP = 4096, LAST_BYTES = AT_RING_ALLOCATION_ENTRIES * sizeof(uint64_t) };

/* A thread's own number is asked of the kernel once; again in a forked child, where it is another. */
static __thread struct {
    int32_t tid;
    uint32_t life;
} self __attribute__((tls_model("initial-exec")));
static uint32_t lives;

/* 100 us are spent: a processor's counter is then known to a percent. Who is off the CPU meanwhile spends more: what has passed
 * counts, and of three tries the least, since that may also happen between the last two looks. */
static uint64_t ticks_in_100_us(uint32_t counter) {
    if (!counter) return 100000;
    uint64_t least = UINT64_MAX;
    for (int tries = 0; tries < 3; ++tries) {
        const uint64_t ns = at_monotonic_ns(), ticks = at_counter();
        uint64_t passed;
        while ((passed = at_monotonic_ns() - ns) < 33333) {
        }
        const uint64_t in_100_us = (at_counter() - ticks) * 100000 / passed;
        if (in_100_us < least) least = in_100_us;
    }
    return least;
}

static bool grow(struct at_journal *journal) {
    if (journal->ready >= AT_RING_TOLD_RECORDS ||
        at_ring_allocate(journal->ring, AT_RING_CHUNKS_AT + journal->ready * sizeof *journal->records,
                         RECORDS_STEP * sizeof *journal->records) != 0)
        return false;
    journal->ready += RECORDS_STEP;
    return true;
}

bool at_journal_make(struct at_journal *journal, struct at_ring *ring) {
    static uint64_t in_100_us; /* children are on the same machine */
    memset(journal, 0, sizeof *journal);
    void *last = at_pages(LAST_BYTES);
    if (last == NULL) return false;
    at_syscall(SYS_madvise, (long)last, LAST_BYTES, MADV_DONTFORK, 0, 0, 0);
    if (in_100_us == 0) in_100_us = ticks_in_100_us(ring->counter);
    journal->ring = ring;
    journal->records = (struct at_ring_told *)(ring->base + AT_RING_CHUNKS_AT);
    journal->last = last;
    journal->pause = in_100_us * AT_MOMENT_PAUSE_US / 100;
    journal->longest = in_100_us * AT_MOMENT_LONGEST_US / 100;
    journal->life = ++lives;
    at_ring_header_of(ring)->told_keeps = 1;
    return true;
}

void at_journal_forget(struct at_journal *journal) {
    if (journal->last != NULL) at_syscall(SYS_munmap, (long)journal->last, LAST_BYTES, 0, 0, 0, 0);
    memset(journal, 0, sizeof *journal);
}

static int32_t thread_of(const struct at_journal *journal) {
    if (AT_UNLIKELY(self.life != journal->life)) {
        self.tid = (int32_t)at_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
        self.life = journal->life;
    }
    return self.tid;
}

/* Null: no room. */
static struct at_ring_told *begin_record(struct at_journal *journal, uint32_t place, uint64_t now) {
    struct at_ring_header *h = at_ring_header_of(journal->ring);
    const uint64_t number = h->told_used;
    const uint32_t at = (uint32_t)(number % AT_RING_TOLD_RECORDS);
    if (number - __atomic_load_n(&h->told_read, __ATOMIC_ACQUIRE) >= AT_RING_TOLD_RECORDS) return NULL;
    if (at >= journal->ready && !grow(journal)) return NULL;
    struct at_ring_told *record = &journal->records[at];
    *record = (struct at_ring_told){.begin = now, .place = place, .tid = journal->thread};
    journal->last[place] = number + 1;
    __atomic_store_n(&h->told_used, number + 1, __ATOMIC_RELEASE);
    return record;
}

void at_journal_add(struct at_journal *journal, uint32_t place, size_t bytes) {
    struct at_ring_header *h = at_ring_header_of(journal->ring);
    const uint64_t now = at_ring_ticks(journal->ring->counter);
    const int32_t thread = thread_of(journal);
    if (now - journal->seen > journal->pause || now - journal->began > journal->longest || thread != journal->thread) {
        journal->began = now;
        journal->thread = thread;
        journal->opened = h->told_used;
        __atomic_store_n(&h->told_open, journal->opened, __ATOMIC_RELEASE);
    }
    journal->seen = now;
    const uint64_t last = journal->last[place];
    struct at_ring_told *record = last > journal->opened ? &journal->records[(last - 1) % AT_RING_TOLD_RECORDS]
                                                         : begin_record(journal, place, now);
    if (AT_UNLIKELY(record == NULL)) {
        ++h->told_lost;
        h->told_lost_bytes += bytes;
        return;
    }
    ++record->blocks;
    record->bytes += bytes;
}
