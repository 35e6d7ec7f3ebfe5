/* frame_variables: the variables of a frame by name, without a trace of having looked.
 *
 * CPython's own way up to 3.12, f_locals, writes into a dictionary that the program may hold as its locals(), and
 * that keeps objects alive. From 3.12 on there is a function for single variables; before, they are read from the
 * frame itself, where they lie in the order of the code's names.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_FRAME_VARIABLES_H
#define AUTOTUNE_RUNTIMES_PYTHON_FRAME_VARIABLES_H

#include "runtimes/python/python_api.h"

/* A new dictionary: the module's variables, and over them the frame's. Null: no memory. With no exception set. */
at_object *at_variables_of(at_object *code, at_object *frame);

#endif
