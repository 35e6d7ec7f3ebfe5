#include "runtimes/python/functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtimes/python/recorder.h"
#include "runtimes/python/watch.h"

struct at_known_code at_known_codes[AT_KNOWN_CODES];

/* What a code object carries. */
struct code_note {
    at_object *code;
    uint64_t tagged;
    uint32_t epoch; /* of the ring that the function is named in */
};

static struct {
    struct at_method_def *method;
    struct at_method_def was; /* extension modules free their definitions, and others get the address */
    uint64_t function;
} known_methods[1024];

static intptr_t extra_index = -1;
static uint32_t epoch = 1;

static void release_note(void *extra) {
    struct code_note *note = extra;
    if (note == NULL) return;
    struct at_known_code *known = &at_known_codes[(uintptr_t)note->code / 64 % AT_KNOWN_CODES];
    if (known->code == note->code) known->code = NULL;
    free(note);
}

const char *at_functions_prepare(void) {
    if (extra_index < 0) extra_index = at_py.request_code_extra(release_note);
    return extra_index < 0 ? "all of this interpreter's code extras are taken" : NULL;
}

void at_functions_forget(void) {
    epoch++;
    memset(at_known_codes, 0, sizeof at_known_codes);
    memset(known_methods, 0, sizeof known_methods);
}

/* The attribute as UTF-8 text in `to`; "" when there is none. */
static void text_of(at_object *object, const char *attribute, char *to, size_t size) {
    to[0] = '\0';
    at_object *value = at_py.PyObject_GetAttrString(object, attribute);
    if (value == NULL) return at_py.PyErr_Clear();
    const char *text = at_py.PyUnicode_AsUTF8(value);
    at_object *bytes = NULL;
    if (text == NULL) { /* surrogates in a file's name, say; or no text at all */
        at_py.PyErr_Clear();
        bytes = at_py.PyUnicode_AsEncodedString(value, "utf-8", "backslashreplace");
        if (bytes != NULL) text = at_py.PyBytes_AsString(bytes);
        if (text == NULL) at_py.PyErr_Clear();
    }
    if (text != NULL) snprintf(to, size, "%s", text);
    if (bytes != NULL) at_py.Py_DecRef(bytes);
    at_py.Py_DecRef(value);
}

static uint32_t number_of(at_object *object, const char *attribute) {
    at_object *value = at_py.PyObject_GetAttrString(object, attribute);
    if (value == NULL) return at_py.PyErr_Clear(), 0;
    const long number = at_py.PyLong_AsLong(value);
    at_py.Py_DecRef(value);
    return number > 0 ? (uint32_t)number : 0;
}

static uint64_t tags_of(at_object *code) {
    enum { GENERATOR = 0x20, COROUTINE = 0x80, ASYNC_GENERATOR = 0x200, BINARY_SUBSCR_3_11 = 25 };
    uint64_t tags = at_watch_tag(code);
    if ((number_of(code, "co_flags") & (GENERATOR | COROUTINE | ASYNC_GENERATOR)) != 0) tags |= AT_GENERATOR;
    at_object *bytes = at_py.minor == 11 ? at_py.PyObject_GetAttrString(code, "co_code") : NULL;
    if (bytes == NULL) return at_py.PyErr_Clear(), tags;
    const char *text = at_py.PyBytes_AsString(bytes);
    const intptr_t size = text != NULL ? at_py.PyBytes_Size(bytes) : 0;
    for (intptr_t i = 0; i < size; i += 2)
        if (text[i] == BINARY_SUBSCR_3_11) tags |= AT_SUBSCRIPTS;
    at_py.Py_DecRef(bytes);
    return tags;
}

static uint64_t name_of_code(at_object *code) {
    char name[512], file[1024];
    text_of(code, at_py.minor >= 11 ? "co_qualname" : "co_name", name, sizeof name);
    text_of(code, "co_filename", file, sizeof file);
    return at_recorder_name(name, file, number_of(code, "co_firstlineno"));
}

/* Called with an exception set, perhaps: a function that was called before the tracing may be left by one. */
uint64_t at_tagged_function_of_new_code(at_object *code) {
    struct code_note *note = NULL;
    at_py.get_code_extra(code, extra_index, (void **)&note);
    if (note == NULL || note->epoch != epoch) {
        at_object *type, *value, *trace;
        at_py.PyErr_Fetch(&type, &value, &trace);
        const uint64_t tagged = name_of_code(code) | tags_of(code);
        if (note == NULL && (note = malloc(sizeof *note)) != NULL &&
            at_py.set_code_extra(code, extra_index, note) != 0) {
            free(note);
            note = NULL;
        }
        at_py.PyErr_Restore(type, value, trace);
        if (note == NULL) return tagged; /* no memory: named again next time */
        *note = (struct code_note){code, tagged, epoch};
    }
    at_known_codes[(uintptr_t)code / 64 % AT_KNOWN_CODES] = (struct at_known_code){code, note->tagged};
    return note->tagged;
}

struct at_method_def *at_method_of(at_object *callable) {
    if (at_type_of(callable) == at_py.cfunction) return ((struct at_method_def **)callable)[2]; /* m_ml */
    if (at_type_of(callable) == at_py.method_descriptor) return ((struct at_method_def **)callable)[5]; /* d_method */
    return NULL;
}

uint64_t at_function_of_builtin(at_object *callable) {
    struct at_method_def *method = at_method_of(callable);
    if (method == NULL) return AT_RING_NAMED; /* the unknown */
    const size_t at = (uintptr_t)method / 32 % (sizeof known_methods / sizeof known_methods[0]);
    if (known_methods[at].method == method && known_methods[at].was.name == method->name &&
        known_methods[at].was.function == method->function)
        return known_methods[at].function;
    char name[256], place[256], whole[sizeof name + sizeof place];
    at_object *type, *value, *trace;
    at_py.PyErr_Fetch(&type, &value, &trace);
    text_of(callable, "__qualname__", name, sizeof name);
    text_of(callable, "__module__", place, sizeof place);
    at_py.PyErr_Restore(type, value, trace);
    snprintf(whole, sizeof whole, "%s%s%s", place, place[0] != '\0' ? "." : "", name[0] != '\0' ? name : method->name);
    known_methods[at].method = method;
    known_methods[at].was = *method;
    known_methods[at].function = at_recorder_name(whole, "", 0);
    return known_methods[at].function;
}

at_object *at_code_of_frame(at_object *frame) {
    enum { CODE_3_8 = 32 }; /* PyFrameObject.f_code */
    if (at_py.PyFrame_GetCode == NULL) return *(at_object **)((char *)frame + CODE_3_8);
    at_object *code = at_py.PyFrame_GetCode(frame);
    at_py.Py_DecRef(code);
    return code;
}
