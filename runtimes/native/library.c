/* libautotune_native.so: how it comes to work in a process.
 *
 * It is preloaded, and the environment names the folder of rings (AUTOTUNE_RING). Programs and libraries that were
 * built with -finstrument-functions call it by themselves, whenever they are loaded; with
 * -fpatchable-function-entry=N,M and room for five bytes, those that the program is started with are patched before
 * its first instruction. What was built otherwise is left as it was: nothing is made, nothing is changed.
 */
#include <sys/stat.h>

#include "runtimes/native/calls.h"
#include "runtimes/native/patch.h"
#include "runtimes/native/stubs.h"
#include "runtimes/ring_system.h"

#if defined(__x86_64__)
/* The processor keeps return addresses of its own: one that was replaced is a fault. */
static int has_shadow_stack(void) {
    __u64 features = 0;
    return at_syscall(SYS_arch_prctl, 0x5005 /* ARCH_SHSTK_STATUS */, (long)&features, 0, 0, 0, 0) == 0 && features != 0;
}

static int is_single_threaded(void) {
    struct stat tasks;
    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

static const char *patch(void) {
    if (has_shadow_stack()) return "return addresses are guarded by a shadow stack: patchable functions are not traced";
    if (!is_single_threaded()) return "threads run before its start: patchable functions are not traced";
    const char *why = at_calls_start(AT_PROBES_PATCHED);
    return why != 0 ? why : at_patch_all();
}

__attribute__((constructor)) static void loaded(void) {
    if (at_patch_count() == 0) return;
    const char *why = patch();
    if (why != 0 && why[0] != 0) at_calls_refuse(why);
}
#endif
