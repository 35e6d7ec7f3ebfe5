/* ring_file.h: a process's ring file: made and grown. With ring_slots.h the rare paths of a writer.
 *
 * What is written to is allocated before (fallocate): a full tmpfs costs records, never the program a SIGBUS.
 * After a fork the child finds its `struct at_ring` and all its `struct at_thread` zeroed (MADV_WIPEONFORK),
 * however it was forked, and makes a file of its own; it never writes into its parent's. */
#pragma once

#include "runtimes/ring.h"
#include "runtimes/ring_system.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct at_index_entry { /* private to the thread: caller and function to edge */
    __u64 function;
    __u64 caller; /* AT_ANY_CALLER: the entry only says which node the function is */
    __u32 edge;
    __u32 node;
    __u64 unused;
};
#define AT_ANY_CALLER (~0ull)

struct at_thread { /* private; all zero: not attached */
    struct at_ring_slot *slot;
    const __u32 *mode;
    struct at_ring_call *stack; /* entry 0 stands for whoever called from outside */
    struct at_ring_edge *edges;
    struct at_index_entry *index;
    __u32 *active; /* calls open now, by node */
    struct at_ring_record *chunk;
    __u64 chunk_end;   /* number of the first record that does not fit in it */
    __u64 retry_at;    /* value of `lost` from which on the pool is looked at again */
    __u32 stack_ready; /* entries that have memory */
    __u32 edges_ready;
    __u32 index_shift; /* 64 - log2 of its size */
    __u32 index_used;
    __u32 nodes;
    __u32 busy;        /* a probe is at work: a signal's handler keeps out */
    __u32 raise_depth; /* an exception is under way: calls up to this depth end by it */
    __u32 counter;     /* the clock is the processor's counter */
    struct at_ring *ring;
    __u32 number;      /* of the slot */
    __u32 index_bytes;
    __u64 active_bytes;
};

struct at_ring { /* private to the process; all zero: not made, or lost in a fork */
    char *base;   /* the file up to the bodies */
    __u32 lock;   /* slots, names */
    __u32 ready;
    __s32 fd;
    __u32 counter;
    __u64 device, inode;
    char path[256]; /* "": has none */
    __u64 chunks_hint;
    __u64 names_ready;
    struct at_thread *threads[AT_RING_SLOTS];
};

static inline struct at_ring_header *at_ring_header_of(struct at_ring *r) { return (struct at_ring_header *)r->base; }
static inline struct at_ring_slot *at_ring_slots_of(struct at_ring *r) {
    return (struct at_ring_slot *)(r->base + AT_RING_SLOTS_AT);
}
static inline struct at_ring_owner *at_ring_owners_of(struct at_ring *r) {
    return (struct at_ring_owner *)(r->base + AT_RING_OWNERS_AT);
}
static inline __u64 at_ring_ticks(__u32 counter) { return counter ? at_counter() : at_monotonic_ns(); }


static inline int at_failed(long result) { return result < 0 && result > -4096; }

/* The file's descriptor, which is still ours or ours again: programs close what they do not know. */
AT_COLD int at_ring_fd(struct at_ring *r) {
    struct stat s;
    if (r->fd >= 0 && at_syscall(SYS_fstat, r->fd, (long)&s, 0, 0, 0, 0) == 0 && s.st_dev == r->device &&
        s.st_ino == r->inode)
        return r->fd;
    r->fd = -1;
    if (r->path[0] == 0) return -1;
    const long fd = at_syscall(SYS_openat, -100, (long)r->path, 02400002 /* RDWR, CLOEXEC, NOFOLLOW */, 0, 0, 0);
    if (at_failed(fd)) return -1;
    if (at_syscall(SYS_fstat, fd, (long)&s, 0, 0, 0, 0) != 0 || s.st_dev != r->device || s.st_ino != r->inode) {
        at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
        return -1;
    }
    r->fd = (__s32)fd;
    return r->fd;
}

/* Memory for a part of the file: 0 when there is. */
AT_COLD int at_ring_allocate(struct at_ring *r, __u64 offset, __u64 bytes) {
    if (r->inode == 0) return 0; /* not a file: see at_ring_make_private */
    const int fd = at_ring_fd(r);
    return fd >= 0 && at_syscall(SYS_fallocate, fd, 0, (long)offset, (long)bytes, 0, 0) == 0 ? 0 : -1;
}

AT_COLD void *at_ring_map(struct at_ring *r, __u64 offset, __u64 bytes) {
    const int fd = r->inode == 0 ? -1 : at_ring_fd(r);
    if (r->inode != 0 && fd < 0) return 0;
    const long kind = r->inode == 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    const long at = at_syscall(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, kind | MAP_NORESERVE, fd,
                               r->inode == 0 ? 0 : (long)offset);
    if (at_failed(at)) return 0;
    at_syscall(SYS_madvise, at, (long)bytes, MADV_DONTDUMP, 0, 0, 0);
    return (void *)at;
}

/* Field 22 of /proc/self/stat; the command, in brackets before, may hold anything. 0: not known. */
AT_COLD __u64 at_start_time(void) {
    char text[1024];
    const long fd = at_syscall(SYS_openat, -100, (long)AT_OWN_READS "/stat", 02000000 /* CLOEXEC */, 0, 0, 0);
    if (at_failed(fd)) return 0;
    const long got = at_syscall(SYS_read, fd, (long)text, sizeof text, 0, 0, 0);
    at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    if (at_failed(got)) return 0;
    long i = got;
    while (i > 0 && text[i - 1] != ')') --i;
    for (int blanks = 0; i < got && blanks < 20; ++i) blanks += text[i] == ' ';
    __u64 ticks = 0;
    for (; i < got && text[i] >= '0' && text[i] <= '9'; ++i) ticks = ticks * 10 + (__u64)(text[i] - '0');
    return ticks;
}

AT_COLD void at_ring_write_header(struct at_ring *r, __u32 kind, __s32 forked_from) {
    struct at_ring_header *h = at_ring_header_of(r);
    r->counter = (__u32)at_counter_is_steady();
    h->version = AT_RING_VERSION;
    h->kind = kind;
    h->pid = (__s32)at_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    h->forked_from = forked_from;
    h->mode = AT_RING_RECORDS;
#if defined(__x86_64__)
    h->clock = r->counter ? AT_RING_TSC : AT_RING_MONOTONIC;
#else
    h->clock = r->counter ? AT_RING_CNTVCT : AT_RING_MONOTONIC;
#endif
    __u64 narrowest = ~0ull; /* we may be preempted between two readings */
    for (int i = 0; i < 4; ++i) {
        const __u64 before = at_ring_ticks(r->counter), ns = at_monotonic_ns(), after = at_ring_ticks(r->counter);
        if (after - before >= narrowest) continue;
        narrowest = after - before;
        h->began_ns = ns;
        h->began_ticks = before + narrowest / 2;
    }
    h->start_time = at_start_time();
    h->names_used = 8;
}

/* The ring becomes visible: what is in the header is whole. */
static inline void at_ring_publish(struct at_ring *r) {
    at_ring_header_of(r)->state = AT_RING_LIVE;
    __atomic_store_n(&at_ring_header_of(r)->magic, AT_RING_MAGIC, __ATOMIC_RELEASE);
    __atomic_store_n(&r->ready, 1u, __ATOMIC_RELEASE);
}

/* Makes `path` for the writer, or an unnamed file where it is "": the agent finds it as "memfd:autotune-ring"
 * among the descriptors. Not yet published. 0 or -errno. */
AT_COLD int at_ring_make(struct at_ring *r, const char *path, __u32 kind, __s32 forked_from) {
    struct rlimit limit;
    struct stat s;
    unsigned i = 0;
    if (at_syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0) != 0 || limit.rlim_cur < AT_RING_BYTES)
        return -27; /* EFBIG; else the program would get a SIGXFSZ */
    for (; path[i] != 0 && i + 1 < sizeof r->path; ++i) r->path[i] = path[i];
    r->path[i] = 0;
    long fd = i == 0 ? at_syscall(SYS_memfd_create, (long)"autotune-ring", 1 /* CLOEXEC */, 0, 0, 0, 0)
                     : at_syscall(SYS_openat, -100, (long)r->path, 02400302 /* and CREAT, EXCL */, 0600, 0, 0);
    if (at_failed(fd)) return (int)fd;
    /* Out of the way of programs that count on small numbers. */
    const long high = at_syscall(SYS_fcntl, fd, 1030 /* F_DUPFD_CLOEXEC */, 500, 0, 0, 0);
    if (!at_failed(high)) {
        at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
        fd = high;
    }
    r->fd = (__s32)fd;
    if (at_syscall(SYS_ftruncate, fd, (long)AT_RING_BYTES, 0, 0, 0, 0) != 0 ||
        at_syscall(SYS_fstat, fd, (long)&s, 0, 0, 0, 0) != 0)
        return -5;
    r->device = s.st_dev;
    r->inode = s.st_ino;
    if (at_ring_allocate(r, 0, 4096) != 0 ||
        at_ring_allocate(r, AT_RING_OWNERS_AT, AT_RING_CHUNKS * sizeof(struct at_ring_owner)) != 0)
        return -28;
    r->base = (char *)at_ring_map(r, 0, AT_RING_BODIES_AT);
    if (r->base == 0) return -12;
    at_ring_write_header(r, kind, forked_from);
    return 0;
}

static inline char *at_put_text(char *to, const char *text) {
    while (*text != 0) *to++ = *text++;
    return to;
}
static inline char *at_put_number(char *to, __u64 number) {
    char digits[20];
    int n = 0;
    do digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (n > 0) *to++ = digits[--n];
    return to;
}

/* The same, in `folder`, named after this process; an unnamed file where that is "". */
AT_COLD int at_ring_make_in(struct at_ring *r, const char *folder, __u32 kind, __s32 forked_from) {
    char path[256] = "";
    if (folder[0] != 0) {
        char *end = at_put_text(path, folder);
        end = at_put_text(end, "/");
        end = at_put_number(end, (__u64)at_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
        end = at_put_text(end, "-");
        end = at_put_number(end, at_monotonic_ns()); /* pids of two namespaces may be equal */
        *at_put_text(end, kind == AT_RING_PYTHON ? ".python" : kind == AT_RING_NATIVE ? ".native" : ".allocations") = 0;
    }
    return at_ring_make(r, path, kind, forked_from);
}

/* A ring that nobody reads, for measuring what the probes themselves cost. 0 or -errno. */
AT_COLD int at_ring_make_private(struct at_ring *r) {
    r->fd = -1;
    r->base = (char *)at_ring_map(r, 0, AT_RING_BODIES_AT);
    if (r->base == 0) return -12;
    at_ring_write_header(r, 0, 0);
    r->ready = 1;
    return 0;
}

/* Zeroed memory that is zero again in a forked child; null when there is none. */
AT_COLD void *at_own_pages(__u64 bytes) {
    void *pages = at_pages(bytes);
    if (pages != 0 && at_syscall(SYS_madvise, (long)pages, (long)bytes, 18 /* WIPEONFORK */, 0, 0, 0) != 0) {
        at_syscall(SYS_munmap, (long)pages, (long)bytes, 0, 0, 0, 0);
        return 0;
    }
    return pages;
}

struct at_text { const char *bytes; __u64 size; };

/* Appends to the table; longer texts are cut. AT_RING_NAMED and the offset; AT_RING_NAMED | 0: no room. */
AT_COLD __u64 at_ring_append_name(struct at_ring *r, __u32 kind, struct at_text name, struct at_text file, __u32 line) {
    struct at_ring_header *h = at_ring_header_of(r);
    if (name.size > 4095) name.size = 4095;
    if (file.size > 4095) file.size = 4095;
    const __u64 size = (sizeof(struct at_ring_name) + name.size + file.size + 7) & ~7ull;
    __u64 id = AT_RING_NAMED;
    at_lock(&r->lock);
    const __u64 at = h->names_used;
    while (at + size > r->names_ready && r->names_ready < AT_RING_NAMES_BYTES &&
           at_ring_allocate(r, AT_RING_NAMES_AT + r->names_ready, 65536) == 0)
        r->names_ready += 65536;
    if (at + size <= r->names_ready) {
        struct at_ring_name *n = (struct at_ring_name *)(r->base + AT_RING_NAMES_AT + at);
        n->size = (__u32)size;
        n->line = line;
        n->name_bytes = (__u16)name.size;
        n->file_bytes = (__u16)file.size;
        n->kind = kind;
        char *text = (char *)(n + 1);
        for (__u64 i = 0; i < name.size; ++i) text[i] = name.bytes[i];
        for (__u64 i = 0; i < file.size; ++i) text[name.size + i] = file.bytes[i];
        __atomic_store_n(&h->names_used, at + size, __ATOMIC_RELEASE);
        id |= at;
    } else {
        ++h->names_lost;
    }
    at_unlock(&r->lock);
    return id;
}

/* A function that has no address: its id for at_ring_enter. Same pointer, same id is the caller's to see to. */
AT_COLD __u64 at_ring_name_function(struct at_ring *r, const char *name, __u64 name_bytes, const char *file,
                                    __u64 file_bytes, __u32 line) {
    const struct at_text n = {name, name_bytes}, f = {file, file_bytes};
    return at_ring_append_name(r, at_ring_header_of(r)->kind, n, f, line);
}
