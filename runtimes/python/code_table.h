/* code_table: the number by which a code object's function is told, found without calling into CPython.
 *
 * An allocator's hook may be called with locks of others held, of tracemalloc's say: whatever allocates there, or makes an
 * object, might wait for ever. So names are read from CPython's structures, and a code object that was told is kept alive
 * (a reference), for another might get its address otherwise. Now and then those that nobody else wants are let go, by a
 * pending call: where the interpreter's loop does such things.
 *
 * Threads: with the GIL of the main interpreter.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_CODE_TABLE_H
#define AUTOTUNE_RUNTIMES_PYTHON_CODE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtimes/python/python_api.h"

/* Once. Null, or why names cannot be read here. `let_go` is called before code objects are: what is known by their
 * addresses is over. False: they are not to be, for this is a forked child that has told nothing yet. */
const char *at_codes_prepare(bool (*let_go)(void));

struct at_code_text { /* UTF-8 */
    const char *name;
    const char *file;
    uint32_t name_bytes, file_bytes, first_line;
};
/* The function of a code object; `tell` gives new ones their number. Functions that are alike in names and lines have one
 * number. 0: there is no room for more. */
uint64_t at_code_function(at_object *code, uint64_t (*tell)(const struct at_code_text *text));

/* All are forgotten and let go. Not within an allocator. */
void at_codes_end(void);
/* The same in a forked child, where the table is not there: nothing is let go. */
void at_codes_forked(void);

#endif
