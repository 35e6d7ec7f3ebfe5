/* allocations: every block that CPython's allocators hand out is told, with the place of Python code it is for.
 *
 * The three domains (PyMem_Raw…, PyMem_…, PyObject_…) are wrapped by PyMem_SetAllocator, as tracemalloc does it; what one
 * domain takes from another is told once. Nothing is put into blocks, so those that were there before and those that are
 * there afterwards are the original allocator's. One of the program's own wrappers that comes later stays in place.
 *
 * Threads: begin and end with the GIL.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_ALLOCATIONS_H
#define AUTOTUNE_RUNTIMES_PYTHON_ALLOCATIONS_H

#include "runtimes/python/allocation_sums.h"

/* Null, or why not. As at_sums_begin(). */
const char *at_allocations_begin(const char *folder, enum at_sums_detail detail);
/* Allocators are as fast as before. */
void at_allocations_end(void);
/* The descriptor of the file; -1: there is none. */
int at_allocations_file(void);

#endif
