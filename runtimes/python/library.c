/* libautotune_python.so: how it comes to work in a process.
 *
 * Preloaded: the environment says so (AUTOTUNE_RING names the folder of rings, AUTOTUNE_PYTHON holds options), the
 * constructor looks whether this is a CPython, and the hook begins with the program. A process that is no CPython,
 * say the shell that starts it, is left as it was. It stays loaded for the life of the process: code objects carry
 * what only it can release.
 *
 * Loaded into a running process (agent/inject): autotune_python_attach() is called there, at any moment of any
 * thread, perhaps with the GIL; so a thread of its own waits for the GIL and does what is to be done.
 *
 * Options, one a line: "builtins": functions written in C are calls too. "alone": children of the program are not
 * traced, and do not see the variables. "allocations": no calls, but what the allocators hand out; and "journal": when. "watch TAB line TAB file TAB expression": see watch.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtimes/python/allocations.h"
#include "runtimes/python/attach.h"
#include "runtimes/python/audit_start.h"
#include "runtimes/python/calibration.h"
#include "runtimes/python/functions.h"
#include "runtimes/python/hook.h"
#include "runtimes/python/options.h"
#include "runtimes/python/recorder.h"
#include "runtimes/python/watch.h"

static struct at_options options;
static const struct at_hook *hook;

/* For the agent, which finds nothing else of this process: FOLDER/PID.refused holds the reason. */
static void refuse(const char *reason) {
    char path[sizeof options.folder + 32];
    snprintf(path, sizeof path, "%s/%d.refused", options.folder, (int)getpid());
    const int fd = options.folder[0] != '\0' ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return;
    if (write(fd, reason, strlen(reason)) < 0) (void)0; /* nobody to tell */
    close(fd);
}

/* The cheapest that works here. Null: `why` tells. */
static const struct at_hook *choose(const char **why) {
    if (at_py.minor == 11 && !options.builtins && at_evaluator_hook.prepare() == NULL) return &at_evaluator_hook;
    const struct at_hook *chosen = at_py.minor >= 12 ? &at_monitoring_hook : &at_profile_hook;
    *why = chosen->prepare();
    return *why == NULL ? chosen : NULL;
}

/* With the GIL; no hook is installed. */
static const char *begin(void) {
    const char *why = at_functions_prepare();
    if (why == NULL && options.allocations) return at_allocations_begin(options.folder, options.journal ? AT_SUMS_AND_JOURNAL : AT_SUMS_ONLY);
    if (why != NULL || (hook = choose(&why)) == NULL) return why;
    if ((why = at_recorder_start(options.folder)) != NULL) return why;
    at_recorder_open(at_measure_bias(hook));
    return hook->install(options.builtins ? AT_SWITCH_ON : AT_SWITCH_OFF);
}

static void begin_or_refuse(void) {
    const char *why = begin();
    at_attach_tell(AT_ATTACH_TRACING, why);
    if (why != NULL) refuse(why);
}

/* Takes this library out of LD_PRELOAD and our variables out of the environment, before os.environ is made. */
static void hide(void) {
    const char *preload = getenv("LD_PRELOAD");
    char rest[4096] = "";
    size_t used = 0;
    for (const char *at = preload; at != NULL && *at != '\0';) {
        const size_t length = strcspn(at, ": ");
        if (length != 0 && memmem(at, length, "libautotune_python", 18) == NULL && used + length + 2 < sizeof rest)
            used += (size_t)snprintf(rest + used, sizeof rest - used, "%s%.*s", used != 0 ? ":" : "", (int)length, at);
        at += length + (at[length] != '\0');
    }
    if (used != 0) setenv("LD_PRELOAD", rest, 1);
    else unsetenv("LD_PRELOAD");
    unsetenv(AT_RING_ENVIRONMENT);
    unsetenv(AT_OPTIONS_ENVIRONMENT);
}

__attribute__((constructor)) static void loaded(void) {
    const char *folder = getenv(AT_RING_ENVIRONMENT);
    const char *text = getenv(AT_OPTIONS_ENVIRONMENT);
    if (folder == NULL || text == NULL) return; /* not preloaded by us */
    const char *why = at_python_api_load();
    if (why != NULL && why[0] == '\0') return;
    at_options_read(&options, text);
    if (strlen(folder) < sizeof options.folder) strcpy(options.folder, folder);
    if (options.alone) hide();
    if (why == NULL && at_py.Py_IsInitialized()) why = "the interpreter runs already";
    if (why == NULL) why = at_start_with_program(begin_or_refuse);
    if (why != NULL) refuse(why);
}

static char late_options[8192]; /* read with the GIL: watches are in use by it */

static void begin_late(void) {
    at_watch_clear();
    at_options_read(&options, late_options);
    at_attach_tell(AT_ATTACH_TRACING, begin());
}

static void end_late(void) {
    at_allocations_end();
    if (hook != NULL) hook->remove();
    hook = NULL;
    at_watch_clear();
    at_attach_tell(AT_ATTACH_OFF, NULL);
}

void autotune_python_attach(const char *folder, const char *text) {
    const char *why = at_python_api_load();
    if (why != NULL) return at_attach_tell(AT_ATTACH_REFUSED, why[0] != '\0' ? why : "it has no CPython");
    if (!at_py.Py_IsInitialized()) return at_attach_tell(AT_ATTACH_REFUSED, "its interpreter is not running");
    if (strlen(folder) >= sizeof options.folder)
        return at_attach_tell(AT_ATTACH_REFUSED, "the folder's name is too long");
    if (strlen(text) >= sizeof late_options) return at_attach_tell(AT_ATTACH_REFUSED, "there are too many watches");
    options = (struct at_options){.folder = ""};
    strcpy(options.folder, folder);
    strcpy(late_options, text);
    at_attach_with_gil(begin_late);
}

void autotune_python_detach(void) { at_attach_with_gil(end_late); }
