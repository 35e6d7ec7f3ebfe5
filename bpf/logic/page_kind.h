/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Whether a page that the kernel takes is the process's own memory. Pure; kernel and host.
 *
 * By what the kernel asks for it with (include/linux/gfp_types.h; these bits are where they are from 6.1 to 6.18): pages
 * of user space are movable and may be in high memory. So are those of the page cache, but these are to be written
 * (__GFP_WRITE) or read ahead, which may fail (__GFP_NORETRY); a huge page, which may fail too, is not of the reserves
 * (__GFP_NOMEMALLOC). A page that is moved to the node that uses it is of one node, of no reserve and small.
 */
#ifndef AUTOTUNE_BPF_LOGIC_PAGE_KIND_H
#define AUTOTUNE_BPF_LOGIC_PAGE_KIND_H

#define AT_GFP_HIGHMEM (1u << 1)
#define AT_GFP_MOVABLE (1u << 3)
#define AT_GFP_WRITE (1u << 12)
#define AT_GFP_NORETRY (1u << 16)
#define AT_GFP_NOMEMALLOC (1u << 19)
#define AT_GFP_THISNODE (1u << 21)
#define AT_HUGE_ORDER 9u

static inline int at_is_own_memory(unsigned gfp, unsigned order) {
    const unsigned user = AT_GFP_HIGHMEM | AT_GFP_MOVABLE;
    if ((gfp & user) != user || gfp & AT_GFP_WRITE) return 0;
    if (gfp & AT_GFP_NORETRY && !(gfp & AT_GFP_NOMEMALLOC)) return 0;
    return !(gfp & AT_GFP_THISNODE && gfp & AT_GFP_NOMEMALLOC && order < AT_HUGE_ORDER);
}

#endif
