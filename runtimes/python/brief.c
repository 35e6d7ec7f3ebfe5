#include "runtimes/python/brief.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH = 3, ITEMS = 6, CHARACTERS = 80, BITS = 2048 };

struct text {
    char *to;
    size_t size, used;
};

static void add(struct text *t, const char *more) {
    size_t length = strlen(more);
    if (length >= t->size - t->used) {
        length = t->size - t->used - 1;
        while (length > 0 && ((unsigned char)more[length] & 0xc0) == 0x80) --length; /* no half characters */
    }
    memcpy(t->to + t->used, more, length);
    t->used += length;
    t->to[t->used] = '\0';
}

static void add_text_of(struct text *t, at_object *text) {
    const char *bytes = text != NULL ? at_py.PyUnicode_AsUTF8(text) : NULL;
    at_object *escaped = NULL;
    if (bytes == NULL && text != NULL) { /* surrogates */
        at_py.PyErr_Clear();
        escaped = at_py.PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
        bytes = escaped != NULL ? at_py.PyBytes_AsString(escaped) : NULL;
    }
    if (bytes != NULL) add(t, bytes);
    if (escaped != NULL) at_py.Py_DecRef(escaped);
    at_py.PyErr_Clear();
}

static void add_name_of_type(struct text *t, at_object *type) {
    at_object *name = at_py.PyObject_GetAttrString(type, "__name__");
    add_text_of(t, name);
    if (name != NULL) at_py.Py_DecRef(name);
}

static void add_exception(struct text *t) {
    at_object *type, *value, *trace;
    at_py.PyErr_Fetch(&type, &value, &trace);
    if (type != NULL) add_name_of_type(t, type);
    at_object *text = value != NULL ? at_py.PyObject_Str(value) : NULL;
    if (text != NULL) add(t, ": "), add_text_of(t, text), at_py.Py_DecRef(text);
    at_py.PyErr_Clear();
    at_object *held[] = {type, value, trace};
    for (int i = 0; i < 3; ++i)
        if (held[i] != NULL) at_py.Py_DecRef(held[i]);
}

static void add_repr(struct text *t, at_object *value) {
    at_object *repr = at_py.PyObject_Repr(value);
    if (repr == NULL) {
        add(t, "<repr raised ");
        add_exception(t);
        return add(t, ">");
    }
    add_text_of(t, repr);
    at_py.Py_DecRef(repr);
}

static void add_size(struct text *t, at_object *value, const char *unit, intptr_t count) {
    char number[64];
    add(t, "<");
    add_name_of_type(t, at_type_of(value));
    snprintf(number, sizeof number, " of %zd %s>", count, unit);
    add(t, number);
}

static void add_value(struct text *t, at_object *value, int depth);

static void add_sequence(struct text *t, at_object *value, int depth, int is_list) {
    const intptr_t count = is_list ? at_py.PyList_Size(value) : at_py.PyTuple_Size(value);
    add(t, is_list ? "[" : "(");
    for (intptr_t i = 0; i < count && i < ITEMS; ++i) {
        /* An item's __repr__ may shorten the list. */
        at_object *item = is_list ? at_py.PyList_GetItem(value, i) : at_py.PyTuple_GetItem(value, i);
        if (item == NULL) break;
        if (i > 0) add(t, ", ");
        at_py.Py_IncRef(item);
        add_value(t, item, depth + 1);
        at_py.Py_DecRef(item);
    }
    at_py.PyErr_Clear();
    char more[48];
    snprintf(more, sizeof more, ", … %zd in all", count);
    if (count > ITEMS) add(t, more);
    add(t, is_list ? "]" : count == 1 ? ",)" : ")");
}

static void add_dict(struct text *t, at_object *value, int depth) {
    const intptr_t count = at_py.PyDict_Size(value);
    intptr_t position = 0;
    at_object *key, *item;
    add(t, "{");
    for (int i = 0; i < ITEMS && at_py.PyDict_Next(value, &position, &key, &item); ++i) {
        if (i > 0) add(t, ", ");
        at_py.Py_IncRef(key), at_py.Py_IncRef(item);
        add_value(t, key, depth + 1);
        add(t, ": ");
        add_value(t, item, depth + 1);
        at_py.Py_DecRef(key), at_py.Py_DecRef(item);
        if (at_py.PyDict_Size(value) != count) break; /* a __repr__ changed it */
    }
    char more[48];
    snprintf(more, sizeof more, ", … %zd in all", count);
    if (count > ITEMS) add(t, more);
    add(t, "}");
}

static void add_string(struct text *t, at_object *value) {
    const intptr_t length = at_py.PyUnicode_GetLength(value);
    if (length <= CHARACTERS) return add_repr(t, value);
    at_object *begin = at_py.PyUnicode_Substring(value, 0, CHARACTERS);
    if (begin == NULL) return at_py.PyErr_Clear();
    add_repr(t, begin);
    at_py.Py_DecRef(begin);
    char more[48];
    snprintf(more, sizeof more, "… %zd in all", length);
    add(t, more);
}

static intptr_t bits_of(at_object *value) {
    at_object *bits = at_py.PyObject_CallMethod(value, "bit_length", NULL);
    const long count = bits != NULL ? at_py.PyLong_AsLong(bits) : 0;
    if (bits != NULL) at_py.Py_DecRef(bits);
    at_py.PyErr_Clear();
    return count;
}

static void add_value(struct text *t, at_object *value, int depth) {
    const void *type = at_type_of(value);
    if (depth > DEPTH) return add(t, "…");
    if (type == at_py.string) return add_string(t, value);
    if (type == at_py.list || type == at_py.tuple) return add_sequence(t, value, depth, type == at_py.list);
    if (type == at_py.dict) return add_dict(t, value, depth);
    if (type == at_py.integer && bits_of(value) > BITS) return add_size(t, value, "bits", bits_of(value));
    if (type == at_py.bytes || type == at_py.byte_array || type == at_py.set || type == at_py.frozen_set) {
        const intptr_t count = at_py.PyObject_Size(value);
        if (count > CHARACTERS) return add_size(t, value, type == at_py.bytes ? "bytes" : "items", count);
    }
    add_repr(t, value);
}

void at_brief(at_object *value, char *to, size_t size) {
    struct text t = {to, size, 0};
    to[0] = '\0';
    add_value(&t, value, 0);
    at_py.PyErr_Clear();
}

void at_brief_exception(char *to, size_t size) {
    struct text t = {to, size, 0};
    to[0] = '\0';
    add_exception(&t);
}
