#include "runtimes/python/frame_variables.h"

#include <stdbool.h>

/* Where the first of a frame's variables is. */
static at_object **slots_of(at_object *frame) {
    enum { SLOTS_3_8 = 360, SLOTS_3_10 = 352, INNER_3_11 = 24, SLOTS_3_11 = 72 };
    char *at = (char *)frame;
    if (at_py.minor <= 9) return (at_object **)(at + SLOTS_3_8);
    if (at_py.minor == 10) return (at_object **)(at + SLOTS_3_10);
    return (at_object **)(*(char **)(at + INNER_3_11) + SLOTS_3_11);
}

static void set(at_object *variables, at_object *name, at_object *value) {
    at_object *inside = NULL;
    if (value != NULL && at_type_of(value) == at_py.cell) {
        inside = value = at_py.PyCell_Get(value); /* null: nothing is in it */
        if (value == NULL) at_py.PyErr_Clear();
    }
    if (value != NULL && at_py.PyDict_SetItem(variables, name, value) != 0) at_py.PyErr_Clear();
    if (inside != NULL) at_py.Py_DecRef(inside);
}

static bool is_among(at_object *name, at_object *names) {
    const intptr_t count = at_py.PyTuple_Size(names);
    for (intptr_t i = 0; i < count; ++i)
        if (at_py.PyTuple_GetItem(names, i) == name) return true; /* names are interned */
    return false;
}

/* The names of one kind, less those that have a slot already. `slots` null: CPython is asked for each. Gives the
 * number of slots. */
static intptr_t add(at_object *variables, at_object *frame, at_object *names, at_object *known, at_object **slots) {
    intptr_t used = 0;
    const intptr_t count = names != NULL ? at_py.PyTuple_Size(names) : 0;
    for (intptr_t i = 0; i < count; ++i) {
        at_object *name = at_py.PyTuple_GetItem(names, i);
        if (slots == NULL) {
            const char *text = at_py.PyUnicode_AsUTF8(name);
            at_object *value = text != NULL ? at_py.PyFrame_GetVarString(frame, text) : NULL;
            if (value != NULL) set(variables, name, value), at_py.Py_DecRef(value);
            at_py.PyErr_Clear();
        } else if (known == NULL || !is_among(name, known)) {
            set(variables, name, slots[used++]);
        }
    }
    return used;
}

static void add_fast(at_object *variables, at_object *code, at_object *frame) {
    at_object *local = at_py.PyObject_GetAttrString(code, "co_varnames");
    at_object *cell = at_py.PyObject_GetAttrString(code, "co_cellvars");
    at_object *outer = at_py.PyObject_GetAttrString(code, "co_freevars");
    if (local != NULL && cell != NULL && outer != NULL) {
        at_object **slots = at_py.PyFrame_GetVarString == NULL ? slots_of(frame) : NULL;
        at_object *const shared = at_py.minor == 11 ? local : NULL; /* a parameter that is a cell has one slot there */
        const intptr_t locals = add(variables, frame, local, NULL, slots);
        const intptr_t cells = add(variables, frame, cell, shared, slots != NULL ? slots + locals : NULL);
        add(variables, frame, outer, NULL, slots != NULL ? slots + locals + cells : NULL);
    }
    at_object *made[] = {local, cell, outer};
    for (int i = 0; i < 3; ++i)
        if (made[i] != NULL) at_py.Py_DecRef(made[i]);
    at_py.PyErr_Clear();
}

at_object *at_variables_of(at_object *code, at_object *frame) {
    enum { OPTIMIZED = 1 }; /* variables have slots; else the frame's dictionary is the module's or the class's own */
    at_object *globals = at_py.PyObject_GetAttrString(frame, "f_globals");
    at_object *variables = globals != NULL ? at_py.PyDict_Copy(globals) : NULL;
    at_object *flags = at_py.PyObject_GetAttrString(code, "co_flags");
    if (variables != NULL && flags != NULL && (at_py.PyLong_AsLong(flags) & OPTIMIZED) != 0) {
        add_fast(variables, code, frame);
    } else if (variables != NULL) {
        at_object *locals = at_py.PyObject_GetAttrString(frame, "f_locals");
        if (locals != NULL) (void)at_py.PyDict_Update(variables, locals), at_py.Py_DecRef(locals);
    }
    if (globals != NULL) at_py.Py_DecRef(globals);
    if (flags != NULL) at_py.Py_DecRef(flags);
    at_py.PyErr_Clear();
    return variables;
}
