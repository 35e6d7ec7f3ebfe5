/* brief: what a value looks like, in few bytes and little time, however large it is. */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_BRIEF_H
#define AUTOTUNE_RUNTIMES_PYTHON_BRIEF_H

#include <stddef.h>

#include "runtimes/python/python_api.h"

/* As repr() writes it, the middle of long things left out ("…"), UTF-8, at most `size` - 1 bytes. An object's own
 * __repr__ is called, once an object; when it raises, that is what is written. With no exception set, before and
 * after. */
void at_brief(at_object *value, char *to, size_t size);

/* The exception that is set, as "ValueError: text"; it is no longer set then. */
void at_brief_exception(char *to, size_t size);

#endif
