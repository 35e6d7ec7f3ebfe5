#include "runtimes/python/options.h"

#include <string.h>

#include "runtimes/python/watch.h"

static bool is(const char *line, size_t length, const char *word) {
    return length == strlen(word) && memcmp(line, word, length) == 0;
}

void at_options_read(struct at_options *options, const char *text) {
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        if (is(text, length, "builtins")) options->builtins = true;
        if (is(text, length, "allocations")) options->allocations = true;
        if (is(text, length, "journal")) options->journal = true;
        if (is(text, length, "alone")) options->alone = true;
        if (length > 6 && memcmp(text, "watch\t", 6) == 0) at_watch_add(text + 6, length - 6);
        text += length + (text[length] != '\0');
    }
}
