/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From a frame to its caller by a recipe (agent/unwind/recipe.hpp says what they mean). Compiles for BPF and for
 * the host's tests; the includer defines at_read_user(to, size, address), which returns 0 when it has read, or, if it has
 * something better for words of the stack, at_read_stack(word, address). */
#ifndef AUTOTUNE_BPF_LOGIC_UNWIND_H
#define AUTOTUNE_BPF_LOGIC_UNWIND_H

#include <linux/types.h>

#include "bpf/logic/unwind_recipe.h"

#ifdef __bpf__
#define AT_UNWIND_INLINE static __attribute__((always_inline)) inline
#else
#define AT_UNWIND_INLINE static inline
#endif

#ifndef at_read_stack
#define at_read_stack(word, address) at_read_user(word, sizeof *(word), address)
#endif

struct at_unwind_registers {
    __u64 ip, sp, bp;
};

enum at_step {
    AT_STEP_RETURN = 0,  /* now in the caller, at the address it is returned to */
    AT_STEP_EXACT,       /* now where a signal interrupted: the address itself was to be executed */
    AT_STEP_END,         /* there is no caller */
    AT_STEP_NO_RECIPE,
    AT_STEP_UNREADABLE,
};

AT_UNWIND_INLINE int at_unwind_word(__u64 address, __u64* word) {
    return address < 4096 || at_read_stack(word, address);
}

/* The kernel's signal frame: struct ucontext at sp, its registers at fixed places (x86-64 ABI of sigreturn). */
AT_UNWIND_INLINE enum at_step at_unwind_signal(struct at_unwind_registers* r) {
    struct at_unwind_registers before = {};
    if (at_unwind_word(r->sp + 120, &before.bp) || at_unwind_word(r->sp + 160, &before.sp) ||
        at_unwind_word(r->sp + 168, &before.ip))
        return AT_STEP_UNREADABLE;
    if (!before.ip) return AT_STEP_END;
    *r = before; /* also to another stack: sigaltstack */
    return AT_STEP_EXACT;
}

/* Code that nobody describes (a JIT's, say): if it keeps frame pointers, the caller is found by them. */
AT_UNWIND_INLINE enum at_step at_unwind_by_pointer(struct at_unwind_registers* r) {
    __u64 bp = 0, ip = 0;
    if (r->bp < r->sp || (r->bp & 7)) return AT_STEP_NO_RECIPE;
    if (at_unwind_word(r->bp, &bp) || at_unwind_word(r->bp + 8, &ip)) return AT_STEP_NO_RECIPE;
    if (!ip) return AT_STEP_END;
    r->sp = r->bp + 16;
    r->bp = bp;
    r->ip = ip;
    return AT_STEP_RETURN;
}

AT_UNWIND_INLINE enum at_step at_unwind_step(const struct at_unwind_recipe* recipe,
                                                    struct at_unwind_registers* r) {
    __u64 cfa = 0;
    switch (recipe->cfa) {
        case AT_CFA_END: return AT_STEP_END;
        case AT_CFA_SIGNAL: return at_unwind_signal(r);
        case AT_CFA_RSP: cfa = r->sp + recipe->cfa_offset; break;
        case AT_CFA_RBP: cfa = r->bp + recipe->cfa_offset; break;
        case AT_CFA_DEREF_RBP:
            if (at_unwind_word(r->bp + recipe->cfa_offset, &cfa)) return AT_STEP_UNREADABLE;
            break;
        case AT_CFA_DEREF_RSP:
            if (at_unwind_word(r->sp + recipe->cfa_offset, &cfa)) return AT_STEP_UNREADABLE;
            cfa += 8;
            break;
        case AT_CFA_PLT: cfa = r->sp + 8 + ((r->ip & 15) >= (__u64)recipe->cfa_offset ? 8 : 0); break;
        default: return at_unwind_by_pointer(r);
    }
    /* Stacks grow down: a caller's frame is above its callee's. Anything else would walk in circles. */
    if (cfa <= r->sp) return AT_STEP_UNREADABLE;
    __u64 ip = 0, bp = r->bp;
    if (at_unwind_word(cfa - 8, &ip)) return AT_STEP_UNREADABLE;
    if (recipe->rbp == AT_RBP_AT_CFA && at_unwind_word(cfa + recipe->rbp_offset, &bp)) return AT_STEP_UNREADABLE;
    if (recipe->rbp == AT_RBP_AT_RBP && at_unwind_word(r->bp + recipe->rbp_offset, &bp)) return AT_STEP_UNREADABLE;
    if (!ip) return AT_STEP_END;
    r->ip = ip;
    r->sp = cfa;
    r->bp = bp;
    return AT_STEP_RETURN;
}

#endif
