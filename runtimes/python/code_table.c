#define _GNU_SOURCE
#include "runtimes/python/code_table.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>

#include "runtimes/ring_system.h"

enum { MOST_CODES = 65536, MOST_NAMES = 131072, FIRST = 1024, SWEEP_EVERY = 256, LONGEST = 1023, LET_GO_AT_ONCE = 512 };

struct entry {
    uint64_t key;      /* address of the code object, or hash of its text; 0: free */
    uint64_t function;
};
struct table {
    struct entry *entries;
    uint32_t mask, used;
};
static struct table codes, names;
static uint32_t sweep_at = SWEEP_EVERY; /* codes */

/* Offsets in PyCodeObject; agent/symbols/python_layout.cpp has the same. */
static struct {
    uint16_t first_line, file, name, lines;
} at;
enum { BYTES_SIZE = 16, BYTES_TEXT = 32 }; /* PyBytesObject */

static uint32_t (*character_of)(at_object *text, intptr_t index);
static int (*add_pending_call)(int (*call)(void *), void *argument);
static bool (*about_to_let_go)(void);

static struct entry *pages(uint32_t entries) {
    struct entry *made = at_pages(entries * sizeof *made);
    /* Not in a forked child: its references are its own. */
    if (made != NULL) at_syscall(SYS_madvise, (long)made, (long)(entries * sizeof *made), MADV_DONTFORK, 0, 0, 0);
    return made;
}

static void drop(struct table *table) {
    if (table->entries != NULL)
        at_syscall(SYS_munmap, (long)table->entries, (long)((table->mask + 1ul) * sizeof(struct entry)), 0, 0, 0, 0);
    *table = (struct table){0};
}

static struct entry *find(const struct table *table, uint64_t key) {
    uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & table->mask;
    while (table->entries[i].key != key && table->entries[i].key != 0) i = (i + 1) & table->mask;
    return &table->entries[i];
}

/* At most half full afterwards. */
static bool make_room(struct table *table, uint32_t most) {
    if (table->entries != NULL && table->used < (table->mask + 1) / 2) return true;
    if (table->used >= most) return false;
    const uint32_t size = table->entries != NULL ? 2 * (table->mask + 1) : FIRST;
    struct table larger = {pages(size), size - 1, table->used};
    if (larger.entries == NULL) return false;
    for (uint32_t i = 0; table->entries != NULL && i <= table->mask; ++i)
        if (table->entries[i].key != 0) *find(&larger, table->entries[i].key) = table->entries[i];
    drop(table);
    *table = larger;
    return true;
}

static at_object *member(const at_object *code, uint16_t offset) { return *(at_object *const *)((const char *)code + offset); }

/* What of the text finds room, by characters: nothing is made for it. */
static uint32_t utf8_of(at_object *text, char *to) {
    const intptr_t length = at_py.PyUnicode_GetLength(text);
    uint32_t n = 0;
    for (intptr_t i = 0; i < length && n + 4 <= LONGEST; ++i) {
        uint32_t c = character_of(text, i);
        if (c >= 0xd800 && c < 0xe000) c = 0xfffd; /* bytes that are no text */
        if (c < 0x80) {
            to[n++] = (char)c;
        } else if (c < 0x800) {
            to[n++] = (char)(0xc0 | c >> 6), to[n++] = (char)(0x80 | (c & 63));
        } else {
            if (c < 0x10000) to[n++] = (char)(0xe0 | c >> 12);
            else to[n++] = (char)(0xf0 | c >> 18), to[n++] = (char)(0x80 | (c >> 12 & 63));
            to[n++] = (char)(0x80 | (c >> 6 & 63)), to[n++] = (char)(0x80 | (c & 63));
        }
    }
    return n;
}

static uint64_t mix(uint64_t hash, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3ull;
    return (hash ^ size) * 0x9e3779b97f4a7c15ull;
}

static uint64_t name_it(const at_object *code, uint64_t (*tell)(const struct at_code_text *)) {
    static char name[LONGEST + 1], file[LONGEST + 1];
    const struct at_code_text text = {.name = name,
                                      .file = file,
                                      .name_bytes = utf8_of(member(code, at.name), name),
                                      .file_bytes = utf8_of(member(code, at.file), file),
                                      .first_line = *(const uint32_t *)((const char *)code + at.first_line)};
    const char *lines = (const char *)member(code, at.lines);
    uint64_t hash = mix(0xcbf29ce484222325ull + text.first_line, name, text.name_bytes);
    hash = mix(mix(hash, file, text.file_bytes), lines + BYTES_TEXT, *(const size_t *)(lines + BYTES_SIZE)) | 1;
    if (!make_room(&names, MOST_NAMES)) return 0;
    struct entry *known = find(&names, hash);
    if (known->key == 0) {
        *known = (struct entry){hash, tell(&text)};
        ++names.used;
    }
    return known->function;
}

static intptr_t references_of(const struct entry *entry) { return *(const intptr_t *)(uintptr_t)entry->key; }

/* Those that only we refer to. Letting them go may run code of the program, which finds the table in order. */
static int sweep(void *unused) {
    (void)unused;
    if (!about_to_let_go()) return 0;
    at_object *gone[LET_GO_AT_ONCE];
    uint32_t n = 0;
    struct table kept = {codes.entries != NULL ? pages(codes.mask + 1) : NULL, codes.mask, 0};
    if (kept.entries == NULL) return 0;
    for (uint32_t i = 0; i <= codes.mask; ++i) {
        if (codes.entries[i].key == 0) continue;
        if (references_of(&codes.entries[i]) == 1 && n < LET_GO_AT_ONCE) {
            gone[n++] = (at_object *)(uintptr_t)codes.entries[i].key;
        } else {
            *find(&kept, codes.entries[i].key) = codes.entries[i];
            ++kept.used;
        }
    }
    drop(&codes);
    codes = kept;
    sweep_at = codes.used + (n == LET_GO_AT_ONCE ? 0 : codes.used / 2) + SWEEP_EVERY;
    while (n > 0) at_py.Py_DecRef(gone[--n]);
    return 0;
}

uint64_t at_code_function(at_object *code, uint64_t (*tell)(const struct at_code_text *text)) {
    if (codes.entries != NULL) {
        const struct entry *known = find(&codes, (uintptr_t)code);
        if (known->key != 0) return known->function;
    }
    if (codes.used >= sweep_at) { /* the loop does it when it comes to it */
        add_pending_call(sweep, NULL);
        sweep_at = codes.used + SWEEP_EVERY;
    }
    if (!make_room(&codes, MOST_CODES)) return 0;
    const uint64_t function = name_it(code, tell);
    if (function == 0) return 0;
    at_py.Py_IncRef(code);
    *find(&codes, (uintptr_t)code) = (struct entry){(uintptr_t)code, function};
    ++codes.used;
    return function;
}

void at_codes_end(void) {
    struct table all = codes;
    codes = (struct table){0};
    drop(&names);
    (void)about_to_let_go();
    for (uint32_t i = 0; all.entries != NULL && i <= all.mask; ++i)
        if (all.entries[i].key != 0) at_py.Py_DecRef((at_object *)(uintptr_t)all.entries[i].key);
    drop(&all);
}

void at_codes_forked(void) {
    codes = names = (struct table){0};
    sweep_at = SWEEP_EVERY;
}

/* A code object's members as CPython gives them. */
static bool is_there(at_object *code, const char *attribute, uint16_t offset) {
    at_object *value = at_py.PyObject_GetAttrString(code, attribute);
    const bool same = value != NULL && value == member(code, offset);
    if (value != NULL) at_py.Py_DecRef(value);
    else at_py.PyErr_Clear();
    return same;
}

const char *at_codes_prepare(bool (*let_go)(void)) {
    about_to_let_go = let_go;
    character_of = (uint32_t(*)(at_object *, intptr_t))dlsym(RTLD_DEFAULT, "PyUnicode_ReadChar");
    add_pending_call = (int (*)(int (*)(void *), void *))dlsym(RTLD_DEFAULT, "Py_AddPendingCall");
    if (character_of == NULL || add_pending_call == NULL) return "this CPython does not export PyUnicode_ReadChar";
    at.file = at_py.minor <= 10 ? 104 : 112;
    at.name = at_py.minor <= 10 ? 112 : 128; /* the qualified one */
    at.lines = at_py.minor <= 10 ? 120 : 136;
    at.first_line = at_py.minor <= 10 ? 40 : at_py.minor == 11 ? 72 : 68;
    const char *lines = at_py.minor <= 9 ? "co_lnotab" : "co_linetable";
    at_object *code = at_py.Py_CompileString("\n\ndef a():\n    return 1\n", "<autotune>", 257 /* Py_file_input */);
    if (code == NULL) return at_py.PyErr_Clear(), "this CPython could not be tried out";
    at_object *line = at_py.PyObject_GetAttrString(code, "co_firstlineno");
    const bool known = is_there(code, "co_filename", at.file) && is_there(code, lines, at.lines) &&
                       is_there(code, at_py.minor <= 10 ? "co_name" : "co_qualname", at.name) && line != NULL &&
                       at_py.PyLong_AsLong(line) == *(const int *)((const char *)code + at.first_line);
    if (line != NULL) at_py.Py_DecRef(line);
    else at_py.PyErr_Clear();
    at_py.Py_DecRef(code);
    return known ? NULL : "this CPython has its code objects in another way than is known";
}
