#include "runtimes/native/modules.h"

#include <sys/mman.h>

#include "runtimes/ring_file.h"

enum { BYTES = 65536 }; /* longer than any line */

static const char *number(const char *at, const char *end, unsigned base, __u64 *value) {
    for (*value = 0; at < end; ++at) {
        const unsigned char c = (unsigned char)*at;
        const unsigned digit = c <= '9' ? c - (unsigned)'0' : (c | 32u) - (unsigned)'a' + 10;
        if (digit >= base) break;
        *value = *value * base + digit;
    }
    return at;
}

static const char *past_blanks(const char *at, const char *end) {
    while (at < end && *at == ' ') ++at;
    return at;
}
static const char *past_word(const char *at, const char *end) {
    while (at < end && *at != ' ') ++at;
    return past_blanks(at, end);
}

/* START-END PERMISSIONS OFFSET DEVICE INODE PATH */
static void one_line(const char *at, const char *end, void (*tell)(const struct at_mapping *)) {
    struct at_mapping m;
    at = number(at, end, 16, &m.start);
    if (at < end) ++at;
    at = past_blanks(number(at, end, 16, &m.end), end);
    const int may_run = end - at > 3 && at[2] == 'x';
    at = past_word(at, end);
    at = past_blanks(number(at, end, 16, &m.offset), end);
    at = past_blanks(number(past_word(at, end), end, 10, &m.inode), end);
    m.path = at;
    m.path_bytes = (__u64)(end - at);
    if (may_run && m.inode != 0 && m.path_bytes != 0) tell(&m);
}

void at_modules_each(void (*tell)(const struct at_mapping *)) {
    char *text = at_pages(BYTES);
    const long fd = at_syscall(SYS_openat, -100, (long)AT_OWN_READS "/maps", 02000000 /* CLOEXEC */, 0, 0, 0);
    long have = 0;
    while (text != 0 && !at_failed(fd)) {
        const long got = at_syscall(SYS_read, fd, (long)(text + have), BYTES - have, 0, 0, 0);
        if (got <= 0) break;
        have += got;
        long line = 0;
        for (long i = 0; i < have; ++i) {
            if (text[i] != '\n') continue;
            one_line(text + line, text + i, tell);
            line = i + 1;
        }
        for (long i = line; i < have; ++i) text[i - line] = text[i];
        have -= line;
        if (have == BYTES) break;
    }
    if (!at_failed(fd)) at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    if (text != 0) at_syscall(SYS_munmap, (long)text, BYTES, 0, 0, 0, 0);
}
