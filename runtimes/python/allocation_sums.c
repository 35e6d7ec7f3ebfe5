#include "runtimes/python/allocation_sums.h"

#include <stdio.h>
#include <string.h>

#include "runtimes/python/allocation_journal.h"
#include "runtimes/python/block_table.h"
#include "runtimes/python/code_table.h"
#include "runtimes/ring_file.h"

enum { ENTRIES_STEP = 1024, FIRST_INDEX = 4096 };

struct index_entry { /* a place of code below an entry of the tree */
    uint64_t function;
    uint64_t at;
    uint32_t parent;
    uint32_t entry; /* 0: free */
};

/* All zero in a forked child, whose parent's file and tables are not there. */
struct sums {
    struct at_ring ring;
    struct at_ring_allocation *entries;
    uint32_t entries_ready; /* have memory */
    uint32_t index_mask;
    uint32_t index_used;
    struct index_entry *index;
    struct at_block_table blocks;
    struct at_journal journal;
    /* The stack as it was last, outermost first. */
    uint32_t last_depth;
    bool last_cut;
    bool over;
    struct at_place now[AT_ALLOCATIONS_DEEPEST];
    struct at_place last[AT_ALLOCATIONS_DEEPEST];
    uint32_t last_entry[AT_ALLOCATIONS_DEEPEST];
};
static struct sums *sums; /* null: not begun, or it went wrong */
static char folder[192];
static enum at_sums_detail wanted;

static uint64_t tell_name(const struct at_code_text *text) {
    const struct at_text name = {text->name, text->name_bytes}, file = {text->file, text->file_bytes};
    return at_ring_append_name(&sums->ring, AT_RING_PYTHON, name, file, text->first_line);
}

static void *pages_of_ours_only(uint64_t bytes) {
    void *pages = at_pages(bytes);
    if (pages != NULL) at_syscall(SYS_madvise, (long)pages, (long)bytes, MADV_DONTFORK, 0, 0, 0);
    return pages;
}

static bool grow_entries(struct sums *s) {
    const uint64_t step = ENTRIES_STEP * sizeof *s->entries;
    if (s->entries_ready >= AT_RING_ALLOCATION_ENTRIES ||
        at_ring_allocate(&s->ring, AT_RING_BODIES_AT + s->entries_ready * sizeof *s->entries, step) != 0)
        return false;
    s->entries_ready += ENTRIES_STEP;
    return true;
}

static struct index_entry *find(const struct sums *s, uint64_t function, uint64_t at, uint32_t parent) {
    const uint64_t mixed = (function * 0x9e3779b97f4a7c15ull) ^ (at * 0xd6e8feb86659fd93ull) ^ (parent * 0xc2b2ae3d27d4eb4full);
    uint32_t i = (uint32_t)(mixed >> 32) & s->index_mask;
    for (;; i = (i + 1) & s->index_mask) {
        struct index_entry *e = &s->index[i];
        if (e->entry == 0 || (e->function == function && e->at == at && e->parent == parent)) return e;
    }
}

static bool grow_index(struct sums *s) {
    struct index_entry *old = s->index;
    const uint32_t size = old == NULL ? 0 : s->index_mask + 1, larger = old == NULL ? FIRST_INDEX : 2 * size;
    struct index_entry *index = pages_of_ours_only(larger * sizeof *index);
    if (index == NULL) return false;
    s->index = index;
    s->index_mask = larger - 1;
    for (uint32_t i = 0; i < size; ++i)
        if (old[i].entry != 0) *find(s, old[i].function, old[i].at, old[i].parent) = old[i];
    if (old != NULL) at_syscall(SYS_munmap, (long)old, (long)(size * sizeof *old), 0, 0, 0, 0);
    return true;
}

static void forget_tables(struct sums *s) {
    if (s->index != NULL) at_syscall(SYS_munmap, (long)s->index, (s->index_mask + 1ul) * sizeof *s->index, 0, 0, 0, 0);
    s->index = NULL;
    at_blocks_forget(&s->blocks);
    at_journal_forget(&s->journal);
}

static void forget(struct sums *s) {
    forget_tables(s);
    if (s->ring.base != NULL) {
        at_ring_header_of(&s->ring)->state = AT_RING_ENDED;
        at_syscall(SYS_munmap, (long)s->ring.base, AT_RING_BODIES_AT, 0, 0, 0, 0);
    }
    if (s->entries != NULL)
        at_syscall(SYS_munmap, (long)s->entries, sizeof *s->entries * AT_RING_ALLOCATION_ENTRIES, 0, 0, 0, 0);
    const int fd = s->ring.inode != 0 ? at_ring_fd(&s->ring) : -1;
    if (fd >= 0) at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    memset(s, 0, sizeof *s);
}

/* 0 or -errno; what was made so far is `forget`s to take back. */
static int make(struct sums *s, int32_t forked_from) {
    const int made = at_ring_make_in(&s->ring, folder, AT_RING_ALLOCATIONS, forked_from);
    if (made != 0) return made;
    s->entries = at_ring_map(&s->ring, AT_RING_BODIES_AT, sizeof *s->entries * AT_RING_ALLOCATION_ENTRIES);
    if (s->entries == NULL) return -12;
    at_syscall(SYS_madvise, (long)s->ring.base, AT_RING_BODIES_AT, MADV_DONTFORK, 0, 0, 0);
    at_syscall(SYS_madvise, (long)s->entries, sizeof *s->entries * AT_RING_ALLOCATION_ENTRIES, MADV_DONTFORK, 0, 0, 0);
    if (!grow_entries(s)) return -28;
    if (!grow_index(s) || !at_blocks_make(&s->blocks)) return -12;
    if (wanted == AT_SUMS_AND_JOURNAL && !at_journal_make(&s->journal, &s->ring)) return -12;
    at_ring_header_of(&s->ring)->allocations_used = AT_ALLOCATIONS_FIRST;
    at_ring_publish(&s->ring);
    return 0;
}

/* Code objects go, and others may get their addresses. */
static bool forget_last(void) {
    if (sums == NULL || sums->ring.base == NULL) return false;
    sums->last_depth = 0;
    return true;
}

const char *at_sums_begin(const char *where, enum at_sums_detail detail) {
    if (strlen(where) >= sizeof folder) return "the folder's name is too long";
    const char *why = at_codes_prepare(forget_last);
    if (why != NULL) return why;
    strcpy(folder, where);
    wanted = detail;
    struct sums *s = sums != NULL ? sums : at_own_pages(sizeof *sums);
    if (s == NULL) return "there is no memory for the sums";
    forget(s);
    sums = s;
    const int made = make(s, 0);
    if (made == 0) return NULL;
    forget(s);
    sums = NULL;
    switch (made) {
        case -27: return "the limit on the size of files (ulimit -f) leaves no room for the sums";
        case -28: return "the file system of the sums is full";
        case -12: return "there is no memory for the sums";
        default: return "the file of the sums could not be made";
    }
}

/* A thread without the GIL may be adding something still: its entry stays where it is. */
void at_sums_end(void) {
    if (sums == NULL) return;
    if (sums->ring.base != NULL) at_codes_end();
    else at_codes_forked();
    forget_tables(sums);
}

int at_sums_file(void) { return sums != NULL ? at_ring_fd(&sums->ring) : -1; }

bool at_sums_wanted(void) {
    struct sums *s = sums;
    if (s == NULL) return false;
    if (s->ring.base != NULL) return __atomic_load_n(&at_ring_header_of(&s->ring)->mode, __ATOMIC_RELAXED) != AT_RING_OFF;
    at_codes_forked();
    if (folder[0] == '\0') { /* nobody would find what this child tells: only what was attached to has a reader */
        sums = NULL;
        return false;
    }
    if (make(s, (int32_t)at_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0)) == 0) return true;
    forget(s);
    sums = NULL; /* nothing is told of this child */
    return false;
}

/* An entry that was not there before. */
static uint32_t add_entry(struct sums *s, uint32_t parent, const struct at_place *place, uint64_t function) {
    struct at_ring_header *h = at_ring_header_of(&s->ring);
    const uint32_t n = (uint32_t)h->allocations_used;
    if (n >= s->entries_ready && !grow_entries(s)) return AT_ALLOCATIONS_NO_ROOM;
    if (s->index_used >= s->index_mask / 2 && !grow_index(s)) return AT_ALLOCATIONS_NO_ROOM;
    s->entries[n] = (struct at_ring_allocation){function, parent, at_line_of(place), 0, 0, 0, 0};
    *find(s, function, (uint64_t)at_offset_of(place), parent) =
        (struct index_entry){function, (uint64_t)at_offset_of(place), parent, n};
    ++s->index_used;
    __atomic_store_n(&h->allocations_used, n + 1ull, __ATOMIC_RELEASE);
    return n;
}

static uint32_t below(struct sums *s, uint32_t parent, const struct at_place *place) {
    if (parent == AT_ALLOCATIONS_NO_ROOM) return parent;
    const uint64_t function = at_code_function(place->code, tell_name);
    if (function == 0) return AT_ALLOCATIONS_NO_ROOM;
    const uint64_t offset = (uint64_t)at_offset_of(place);
    const struct index_entry *known = find(s, function, offset, parent);
    return known->entry != 0 ? known->entry : add_entry(s, parent, place, function);
}

uint32_t at_sums_place(const at_tstate *thread) {
    struct sums *s = sums;
    bool cut = false;
    const uint32_t depth = at_frames_walk(thread, s->now, AT_ALLOCATIONS_DEEPEST, &cut);
    const struct at_place *outermost = s->now + depth - 1;
    const uint32_t shared = depth < s->last_depth ? depth : s->last_depth;
    uint32_t k = 0;
    if (cut == s->last_cut)
        while (k < shared && s->last[k].code == outermost[-(long)k].code && s->last[k].at == outermost[-(long)k].at) ++k;
    uint32_t entry = k > 0 ? s->last_entry[k - 1] : cut ? AT_ALLOCATIONS_CUT : AT_ALLOCATIONS_ROOT;
    for (; k < depth; ++k) {
        entry = below(s, entry, &outermost[-(long)k]);
        s->last[k] = outermost[-(long)k];
        s->last_entry[k] = entry;
    }
    s->last_depth = depth;
    s->last_cut = cut;
    return entry;
}

static void give_back(struct sums *s, struct at_block block) {
    if (!s->over) s->entries[block.place].held -= block.bytes;
}

static void hold(struct sums *s, uint32_t place, uintptr_t block, size_t bytes) {
    struct at_block was;
    if (!at_blocks_put(&s->blocks, block, (struct at_block){bytes, place}, &was))
        ++at_ring_header_of(&s->ring)->blocks_lost;
    else if (!s->over)
        s->entries[place].held += bytes;
    give_back(s, was); /* which a thread without the GIL had done, and nobody saw */
}

static inline void count(struct sums *s, uint32_t place, size_t bytes) {
    struct at_ring_allocation *entry = &s->entries[place];
    ++entry->blocks;
    entry->bytes += bytes;
    if (AT_UNLIKELY(s->journal.ring != NULL)) at_journal_add(&s->journal, place, bytes);
}

void at_sums_add(uint32_t place, uintptr_t block, size_t bytes) {
    count(sums, place, bytes);
    hold(sums, place, block, bytes);
}

/* One that was not known counts whole, as it does for tracemalloc. */
void at_sums_change(uint32_t place, uintptr_t before, uintptr_t block, size_t bytes) {
    const struct at_block was = at_blocks_take(&sums->blocks, before);
    give_back(sums, was);
    count(sums, place, bytes > was.bytes ? bytes - was.bytes : 0);
    hold(sums, place, block, bytes);
}

void at_sums_remove(uintptr_t block) { give_back(sums, at_blocks_take(&sums->blocks, block)); }

void at_sums_keep_held(void) {
    if (sums != NULL) sums->over = true;
}

void at_sums_add_without_gil(size_t bytes) {
    struct at_ring_allocation *entry = &sums->entries[AT_ALLOCATIONS_WITHOUT_GIL];
    __atomic_fetch_add(&entry->bytes, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&entry->blocks, 1, __ATOMIC_RELAXED);
}
