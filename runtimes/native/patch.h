/* patch: functions that were compiled with -fpatchable-function-entry call us first. */
#ifndef AUTOTUNE_RUNTIMES_NATIVE_PATCH_H
#define AUTOTUNE_RUNTIMES_NATIVE_PATCH_H

/* How many places there are in the program and in the libraries that it was started with. */
unsigned long at_patch_count(void);

/* Patches them. Null, or why not all: none is half patched. REQUIRES: the process has one thread. */
const char *at_patch_all(void);

#endif
