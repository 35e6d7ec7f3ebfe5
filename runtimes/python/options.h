/* options: what is asked of the library, as text: one a line. */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_OPTIONS_H
#define AUTOTUNE_RUNTIMES_PYTHON_OPTIONS_H

#include <stdbool.h>

#define AT_OPTIONS_ENVIRONMENT "AUTOTUNE_PYTHON"

struct at_options {
    char folder[192]; /* of rings; "": an unnamed file */
    bool builtins;
    bool alone;
    bool allocations;
    bool journal;
};

/* Adds watches, too. Lines that are not known are left out: they are for a newer library. */
void at_options_read(struct at_options *options, const char *text);

#endif
