/* modules: which files' code is mapped where. Reads /proc/self/maps by system calls alone, as a probe may at any
 * moment: the dynamic linker's own list takes its lock. */
#ifndef AUTOTUNE_RUNTIMES_NATIVE_MODULES_H
#define AUTOTUNE_RUNTIMES_NATIVE_MODULES_H

#include <linux/types.h>

struct at_mapping {
    __u64 start, end, offset, inode;
    const char *path; /* ended by `path_bytes`, not by a zero */
    __u64 path_bytes;
};

/* Calls `tell` for each mapping of a file that may be executed. */
void at_modules_each(void (*tell)(const struct at_mapping *mapping));

#endif
