/* returns: where patched functions return to in truth.
 *
 * A patched function's return address is replaced by that of a stub, one a call (stubs.S), and kept in a table beside
 * the stubs. A table and not a stack decides: whoever returns, in whatever order, on whatever stack, thread or after
 * whatever jump, finds its own. An entry is used again only when it was returned through, or when the word that held
 * the stub's address holds something else: it cannot be returned to any more. So coroutines, exceptions, longjmp and
 * threads that are cancelled cost entries at worst, never the program its way. */
#ifndef AUTOTUNE_RUNTIMES_NATIVE_RETURNS_H
#define AUTOTUNE_RUNTIMES_NATIVE_RETURNS_H

#include <linux/types.h>

#include "runtimes/native/stubs.h"

struct at_return {
    __u64 *location; /* of the return address; null: free */
    __u64 function;
};
extern struct at_return at_native_calls[AT_STUBS]; /* by number of the stub */

/* The calling thread's entries, oldest first: entry k is that of stub 1 + k % AT_USABLE of groups[k / AT_USABLE]. The
 * first stub of a group is not used: unwinders look one byte before a return address. */
#define AT_USABLE (AT_GROUP - 3u)
#define AT_MAX_GROUPS 320u
struct at_own_returns {
    __u64 *innermost; /* location of the newest entry */
    __u32 open;
    __u32 busy;       /* a handler of a signal keeps out */
    __u32 groups_used;
    __u16 groups[AT_MAX_GROUPS];
};
extern __thread struct at_own_returns at_own_returns __attribute__((tls_model("initial-exec")));

static inline __u32 at_stub_number(const struct at_own_returns *r, __u32 k) {
    return AT_GROUP * r->groups[k / AT_USABLE] + 1 + k % AT_USABLE;
}

/* Is a frame there deeper than all that is open? If not, something was left without returning, or this is another
 * stack; entries that are certainly dead are given up. */
int at_returns_unnested(struct at_own_returns *r, __u64 *location);
static inline int at_returns_nest(__u64 *location) {
    struct at_own_returns *r = &at_own_returns;
    if (r->open == 0 || location < r->innermost || r->busy) return 1;
    return at_returns_unnested(r, location);
}

/* More stubs. 0: there are none. */
int at_returns_grow(struct at_own_returns *r);

/* *location becomes a stub's. 0: it stays, as there is no entry or a probe is at work. */
static inline int at_returns_take(__u64 *location, __u64 function) {
    struct at_own_returns *r = &at_own_returns;
    if (__builtin_expect(r->busy, 0)) return 0;
    r->busy = 1;
    __asm__ volatile("" ::: "memory");
    const int has_room = r->open < r->groups_used * AT_USABLE || at_returns_grow(r);
    if (__builtin_expect(has_room, 1)) {
        const __u32 n = at_stub_number(r, r->open);
        at_native_returns[n] = *location;
        at_native_calls[n].location = location;
        at_native_calls[n].function = function;
        *location = (__u64)&at_native_stubs[n];
        r->innermost = location;
        ++r->open;
    }
    __asm__ volatile("" ::: "memory");
    r->busy = 0;
    return has_room;
}

/* The entry whose stub that is; null: it is none. */
static inline struct at_return *at_return_of(__u64 address) {
    const __u64 offset = address - (__u64)at_native_stubs;
    return offset < AT_STUBS_BYTES ? &at_native_calls[offset / AT_STUB_BYTES] : 0;
}

/* It is returned through: where to. */
__u64 at_returns_give(struct at_return *one);

#endif
