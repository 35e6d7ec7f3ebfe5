#define _GNU_SOURCE
#include "runtimes/python/audit_start.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtimes/python/python_api.h"

struct audit_entry { /* _Py_AuditHookEntry, alike from 3.8 to 3.13 */
    struct audit_entry *next;
    at_audit_hook hook;
    void *context;
};

static void (*start_program)(void);
static struct audit_entry **head; /* in _PyRuntime; null: not found, the hook stays */

static int on_audit(const char *event, at_object *arguments, void *context);

/* Reads memory that may not be there. */
static bool read_entry(uintptr_t address, struct audit_entry *entry) {
    struct iovec here = {entry, sizeof *entry};
    struct iovec there = {(void *)address, sizeof *entry};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)sizeof *entry;
}

/* The list's head is the one word of _PyRuntime that points to an entry with our function in it. Only words that
 * adding the hook has set are looked at. */
static struct audit_entry **find_head(const uintptr_t *before, uintptr_t *runtime, size_t words) {
    for (size_t i = 0; i < words; ++i) {
        struct audit_entry entry;
        if (runtime[i] == 0 || before[i] == runtime[i] || runtime[i] % sizeof(void *) != 0) continue;
        if (read_entry(runtime[i], &entry) && entry.hook == on_audit && entry.context == &start_program)
            return (struct audit_entry **)&runtime[i];
    }
    return NULL;
}

static int on_audit(const char *event, at_object *arguments, void *context) {
    (void)arguments, (void)context;
    if (start_program == NULL) return 0;
    const bool runs = strncmp(event, "cpython.run_", 12) == 0;
    if (!runs && (strcmp(event, "exec") != 0 || !at_py.Py_IsInitialized() || at_py.PyEval_GetFrame() != NULL)) return 0;
    void (*const start)(void) = start_program;
    /* Whoever walks the list holds the GIL and is this very call, which goes on from the entry itself. */
    if (head != NULL && (*head)->hook == on_audit) *head = (*head)->next;
    start_program = NULL;
    start();
    return 0;
}

const char *at_start_with_program(void (*start)(void)) {
    uintptr_t *runtime = dlsym(RTLD_DEFAULT, "_PyRuntime");
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (runtime != NULL && dladdr1(runtime, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0) symbol = NULL;
    const size_t words = symbol != NULL && info.dli_saddr == (void *)runtime ? symbol->st_size / sizeof *runtime : 0;
    uintptr_t *before = words != 0 ? malloc(words * sizeof *before) : NULL;
    if (before != NULL) memcpy(before, runtime, words * sizeof *before);
    start_program = start;
    if (at_py.PySys_AddAuditHook(on_audit, &start_program) != 0) {
        start_program = NULL;
        free(before);
        return "CPython refuses an audit hook";
    }
    if (before != NULL) head = find_head(before, runtime, words);
    free(before);
    return NULL;
}
