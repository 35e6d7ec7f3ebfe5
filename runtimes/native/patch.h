/* patch: functions that were compiled with -fpatchable-function-entry call us first. */
#ifndef AUTOTUNE_RUNTIMES_NATIVE_PATCH_H
#define AUTOTUNE_RUNTIMES_NATIVE_PATCH_H

/* How many places there are in modules that are new since at_patch_new(). */
unsigned long at_patch_count(void);

/* Patches them. Null, or why not all: none is half patched. One thread at a time. REQUIRES: no other thread runs code of
 * those modules, be it that there is none or that they are not initialised yet. */
const char *at_patch_new(void);

/* From now on `hook` is called whenever the dynamic linker has mapped or unmapped modules: before new ones are relocated
 * and initialised, with its lock held. By way of the empty function that it calls then for debuggers (r_brk of
 * <link.h>); where that is not as we know it nothing is done. REQUIRES: the process has one thread. */
void at_patch_loader(void (*hook)(void));

#endif
