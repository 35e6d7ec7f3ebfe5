/* libautotune_native.so: how it comes to work in a process.
 *
 * It is preloaded, and the environment names the folder of rings (AUTOTUNE_RING). Programs and libraries that were
 * built with -finstrument-functions call it by themselves, whenever they are loaded; with
 * -fpatchable-function-entry=N,M and room for five bytes, those that the program is started with are patched before
 * its first instruction, and those that it loads before theirs. Of what was built otherwise nothing is made and nothing
 * is changed, but for the function of the dynamic linker that tells us what is loaded.
 */
#include <link.h>
#include <stdlib.h>
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

static int is_asked_for(void) {
    const char *folder = getenv(AT_RING_ENVIRONMENT);
    return folder != 0 && folder[0] != 0;
}

static void patch(void) {
    if (at_patch_count() == 0) return;
    const char *why = at_calls_start(AT_PROBES_PATCHED);
    if (why == 0 || at_calls_have_started()) why = at_patch_new();
    if (why != 0 && why[0] != 0) at_calls_refuse(why);
}

/* Under the dynamic linker's lock. Nobody can run what is new yet. */
static void loader_has_changed(void) {
    if (_r_debug.r_state == RT_CONSISTENT) patch();
}

__attribute__((constructor)) static void loaded(void) {
    const char *why = has_shadow_stack() ? "return addresses are guarded by a shadow stack: patchable functions are not traced"
                      : !is_single_threaded() ? "threads run before its start: patchable functions are not traced"
                                              : 0;
    if (why != 0) {
        if (at_patch_count() != 0) at_calls_refuse(why);
        return;
    }
    patch();
    if (is_asked_for()) at_patch_loader(loader_has_changed);
}
#endif
