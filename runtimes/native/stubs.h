/* stubs: the code that patched functions go through (stubs.S). */
#ifndef AUTOTUNE_RUNTIMES_NATIVE_STUBS_H
#define AUTOTUNE_RUNTIMES_NATIVE_STUBS_H

#define AT_STUB_BYTES 8
#define AT_GROUP 256         /* stubs that share their end, which is in place of the last two */
#define AT_GROUP_BYTES 2048
#define AT_STUBS 0x100000
#define AT_STUBS_BYTES 0x800000

#ifndef __ASSEMBLER__
#include <linux/types.h>

struct at_stub { __u8 code[AT_STUB_BYTES]; };
extern struct at_stub at_native_stubs[AT_STUBS];     /* no code in it until a page is made, see returns.c */
extern __u64 at_native_returns[AT_STUBS];            /* directly behind: where each returns to in truth */
extern const __u8 at_native_template[AT_GROUP_BYTES]; /* the code of a group */

void at_native_entry(void);  /* what a patched function calls first */
void at_native_return(void); /* what stubs go to */
void at_native_trial(void);  /* an empty function that is patched, and one that is not */
void at_native_trial_bare(void);
#endif

#endif
