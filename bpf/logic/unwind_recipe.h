/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Recipes as the kernel side has them: the bytes of autotune::unwind::Recipe. */
#ifndef AUTOTUNE_BPF_LOGIC_UNWIND_RECIPE_H
#define AUTOTUNE_BPF_LOGIC_UNWIND_RECIPE_H

#include <linux/types.h>

/* Values of autotune::unwind::CfaRule and RbpRule. */
enum at_unwind_cfa {
    AT_CFA_NONE = 0,
    AT_CFA_END,
    AT_CFA_RSP,
    AT_CFA_RBP,
    AT_CFA_DEREF_RBP,
    AT_CFA_DEREF_RSP,
    AT_CFA_PLT,
    AT_CFA_SIGNAL,
};
enum at_unwind_rbp { AT_RBP_SAME = 0, AT_RBP_AT_CFA, AT_RBP_AT_RBP };

struct at_unwind_recipe {
    __u8 cfa; /* enum at_unwind_cfa */
    __u8 rbp; /* enum at_unwind_rbp */
    __s16 rbp_offset;
    __s32 cfa_offset;
};

#endif
