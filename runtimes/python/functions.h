/* functions: what ring.h calls a function, for code objects and for functions written in C.
 *
 * A code object carries its number with it (a code extra), so one that dies and another that gets its address
 * are never taken for each other. In front lies a small table by address, emptied of a code object when it dies.
 * A C function is known by its method definition, and checked to be the same still.
 *
 * Threads: the GIL guards everything.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_FUNCTIONS_H
#define AUTOTUNE_RUNTIMES_PYTHON_FUNCTIONS_H

#include <stdint.h>

#include "runtimes/python/python_api.h"

/* Once in this interpreter. Null, or why not. */
const char *at_functions_prepare(void);

/* The ring has changed (fork): names are told to the new one when they are next needed. */
void at_functions_forget(void);

#define AT_KNOWN_CODES 4096u

/* What is told of a code object beside its function, whose lowest bits are free. */
#define AT_GENERATOR 1ull  /* or a coroutine: calling it only makes one */
#define AT_SUBSCRIPTS 2ull /* it has a[i] in it; known in 3.11 only */
#define AT_WATCHED 4ull    /* a line of it is watched */
#define AT_TAGS 7ull

struct at_known_code {
    at_object *code;
    uint64_t tagged;
};
extern struct at_known_code at_known_codes[AT_KNOWN_CODES];

uint64_t at_tagged_function_of_new_code(at_object *code);

static inline uint64_t at_tagged_function_of_code(at_object *code) {
    const struct at_known_code *known = &at_known_codes[(uintptr_t)code / 64 % AT_KNOWN_CODES];
    return known->code == code ? known->tagged : at_tagged_function_of_new_code(code);
}

/* The function of a code object: AT_RING_NAMED and the offset of its name. */
static inline uint64_t at_function_of_code(at_object *code) { return at_tagged_function_of_code(code) & ~AT_TAGS; }

/* The frame's code object, which it holds. */
at_object *at_code_of_frame(at_object *frame);

/* The function of what a C_CALL tells of: a builtin function or method. */
uint64_t at_function_of_builtin(at_object *callable);

/* Its method definition, null when it is none that a profile function would be told of: method descriptors
 * count when they are called with an argument. */
struct at_method_def *at_method_of(at_object *callable);

#endif
