/* audit_start: begins at the very moment at which the interpreter is about to run its program.
 *
 * For processes that are launched with this library preloaded: nothing of Python exists yet. CPython lets an audit
 * hook be added that early, and tells it "cpython.run_file", "…run_command", "…run_module" or "…run_stdin" (for a
 * program that has the interpreter inside: the first "exec" that no Python code asked for). Audit hooks stay for
 * ever, and make every audited operation dearer (id(), open, import); so ours is taken out of the list again.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_AUDIT_START_H
#define AUTOTUNE_RUNTIMES_PYTHON_AUDIT_START_H

/* Calls `start` once, with the GIL, before the first line of the program. REQUIRES: at_python_api_load() went
 * well, the interpreter is not initialised, one thread. Null, or why not. */
const char *at_start_with_program(void (*start)(void));

#endif
