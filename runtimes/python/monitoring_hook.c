#include "runtimes/python/hook.h"

#include <string.h>

#include "runtimes/python/functions.h"
#include "runtimes/python/recorder.h"
#include "runtimes/python/watch.h"

/* What sys.monitoring calls: objects whose type has nothing but a vector call, so that a C function is reached
 * with no step between. */
typedef at_object *(*vector_call)(at_object *self, at_object *const *arguments, size_t count, at_object *names);
struct callback {
    intptr_t references;
    void *type;
    vector_call call;
};

static at_object *monitoring; /* sys.monitoring */
static at_object *missing;    /* sys.monitoring.MISSING */
static at_object *disable;    /* sys.monitoring.DISABLE */
static int tool = -1;
static long line_event;

/* From its next line on, this code tells its lines. */
static void watch_lines(at_object *code) {
    at_object *done = at_py.PyObject_CallMethod(monitoring, "set_local_events", "iOl", tool, code, line_event);
    if (done != NULL) at_py.Py_DecRef(done);
    else at_py.PyErr_Clear();
}

static at_object *on_enter(at_object *self, at_object *const *arguments, size_t count, at_object *names) {
    (void)self, (void)count, (void)names;
    const uint64_t function = at_tagged_function_of_code(arguments[0]);
    if ((function & AT_WATCHED) != 0) watch_lines(arguments[0]);
    at_recorder_enter(function & ~AT_TAGS);
    return at_py.none; /* immortal */
}

/* 3.12 tells a line a second time when a call in it has returned: further on in the same line of the same frame. */
static int is_told_again(at_object *frame, uint32_t line) {
    static struct { /* frames of all threads */
        at_object *frame;
        uint32_t line;
        int instruction;
    } last[256];
    const size_t at = (uintptr_t)frame / 64 % (sizeof last / sizeof last[0]);
    const int instruction = at_py.PyFrame_GetLasti(frame);
    if (last[at].frame == frame && last[at].line == line && instruction > last[at].instruction) return 1;
    last[at].frame = frame;
    last[at].line = line;
    last[at].instruction = instruction;
    return 0;
}

static at_object *on_line(at_object *self, at_object *const *arguments, size_t count, at_object *names) {
    (void)self, (void)count, (void)names;
    if (!at_watching) return at_py.Py_IncRef(disable), disable; /* told no more in this place */
    at_object *frame = at_py.PyEval_GetFrame();
    const uint32_t line = (uint32_t)at_py.PyLong_AsLong(arguments[1]);
    if (at_py.minor > 12 || !is_told_again(frame, line)) at_watch_line(arguments[0], frame, line);
    return at_py.none;
}

static at_object *on_leave(at_object *self, at_object *const *arguments, size_t count, at_object *names) {
    (void)self, (void)count, (void)names;
    at_recorder_leave(at_function_of_code(arguments[0]), AT_RING_RETURNED);
    return at_py.none;
}

static at_object *on_unwind(at_object *self, at_object *const *arguments, size_t count, at_object *names) {
    (void)self, (void)count, (void)names;
    at_recorder_leave(at_function_of_code(arguments[0]), AT_RING_RAISED);
    return at_py.none;
}

/* CALL is told for every callable; those written in Python have their own events. */
static int is_method_call(at_object *const *arguments) {
    if (at_type_of(arguments[2]) == at_py.method_descriptor && arguments[3] == missing) return 0;
    return at_method_of(arguments[2]) != NULL;
}

static at_object *on_c_call(at_object *self, at_object *const *arguments, size_t count, at_object *names) {
    (void)self, (void)count, (void)names;
    if (is_method_call(arguments)) at_recorder_enter(at_function_of_builtin(arguments[2]));
    return at_py.none;
}

static at_object *on_c_return(at_object *self, at_object *const *arguments, size_t count, at_object *names) {
    (void)self, (void)count, (void)names;
    if (is_method_call(arguments)) at_recorder_leave(at_function_of_builtin(arguments[2]), AT_RING_RETURNED);
    return at_py.none;
}

static at_object *on_c_raise(at_object *self, at_object *const *arguments, size_t count, at_object *names) {
    (void)self, (void)count, (void)names;
    if (is_method_call(arguments)) at_recorder_leave(at_function_of_builtin(arguments[2]), AT_RING_RAISED);
    return at_py.none;
}

static const struct {
    const char *event;
    vector_call call;
    enum { ALWAYS, BUILTINS, WATCHED } when;
} wanted[] = {
    {"PY_START", on_enter, ALWAYS},  {"PY_RESUME", on_enter, ALWAYS},  {"PY_THROW", on_enter, ALWAYS},
    {"PY_RETURN", on_leave, ALWAYS}, {"PY_YIELD", on_leave, ALWAYS},   {"PY_UNWIND", on_unwind, ALWAYS},
    {"CALL", on_c_call, BUILTINS},   {"C_RETURN", on_c_return, BUILTINS}, {"C_RAISE", on_c_raise, BUILTINS},
    {"LINE", on_line, WATCHED},
};
enum { WANTED = sizeof wanted / sizeof wanted[0] };
static long events[WANTED]; /* their bits in this version */

static at_object *callback_type(void) {
    struct member {
        const char *name;
        int type;
        intptr_t offset;
        int flags;
        const char *doc;
    };
    struct slot {
        int slot;
        void *value;
    };
    static struct member members[] = {
        {"__vectorcalloffset__", 19 /* Py_T_PYSSIZET */, offsetof(struct callback, call), 1 /* Py_READONLY */, NULL},
        {NULL, 0, 0, 0, NULL}};
    static struct slot slots[] = {{72 /* Py_tp_members */, members}, {0, NULL}};
    static struct {
        const char *name;
        int size, item_size;
        unsigned flags;
        struct slot *slots;
    } spec = {"autotune.probe", sizeof(struct callback), 0, 1u << 11 /* Py_TPFLAGS_HAVE_VECTORCALL */, slots};
    return at_py.PyType_FromSpec(&spec);
}

/* False with no exception set. */
static int call_method(at_object *answer) {
    if (answer == NULL) return at_py.PyErr_Clear(), 0;
    at_py.Py_DecRef(answer);
    return 1;
}

/* Tools have numbers; 3 and 4 have no meaning given to them. */
static int take_tool(void) {
    for (int id = 4; id >= 3; --id)
        if (call_method(at_py.PyObject_CallMethod(monitoring, "use_tool_id", "is", id, "autotune"))) return id;
    return -1;
}

static const char *prepare(void) {
    if (tool >= 0) return NULL; /* ours since the last time */
    if (at_py.PyType_FromSpec == NULL || at_py.PyType_GenericAlloc == NULL) return "this CPython cannot make types";
    monitoring = at_py.PySys_GetObject("monitoring"); /* borrowed, for ever: it is a builtin module */
    at_object *names = monitoring != NULL ? at_py.PyObject_GetAttrString(monitoring, "events") : NULL;
    missing = monitoring != NULL ? at_py.PyObject_GetAttrString(monitoring, "MISSING") : NULL;
    disable = monitoring != NULL ? at_py.PyObject_GetAttrString(monitoring, "DISABLE") : NULL;
    if (names == NULL || missing == NULL || disable == NULL) return at_py.PyErr_Clear(), "there is no sys.monitoring";
    for (int i = 0; i < WANTED; ++i) {
        at_object *bit = at_py.PyObject_GetAttrString(names, wanted[i].event);
        if (bit == NULL) return at_py.PyErr_Clear(), "sys.monitoring lacks an event";
        events[i] = at_py.PyLong_AsLong(bit);
        if (wanted[i].when == WATCHED) line_event = events[i];
        at_py.Py_DecRef(bit);
    }
    at_py.Py_DecRef(names);
    if ((tool = take_tool()) < 0) return "all tools of sys.monitoring are taken";
    at_object *type = callback_type();
    for (int i = 0; type != NULL && i < WANTED; ++i) {
        struct callback *probe = (struct callback *)at_py.PyType_GenericAlloc(type, 0);
        if (probe == NULL) break;
        probe->call = wanted[i].call;
        if (!call_method(at_py.PyObject_CallMethod(monitoring, "register_callback", "ilO", tool, events[i], probe)))
            return "sys.monitoring takes no callback";
    }
    return type != NULL ? NULL : (at_py.PyErr_Clear(), "there is no memory for callbacks");
}

static long events_with(enum at_switch builtins) {
    long set = 0;
    for (int i = 0; i < WANTED; ++i)
        if (wanted[i].when == ALWAYS || (wanted[i].when == BUILTINS && builtins == AT_SWITCH_ON)) set |= events[i];
    return set;
}

static const char *install(enum at_switch builtins) {
    /* Lines that an earlier tracing has watched are told again. */
    if (at_watching) (void)call_method(at_py.PyObject_CallMethod(monitoring, "restart_events", NULL));
    return call_method(at_py.PyObject_CallMethod(monitoring, "set_events", "il", tool, events_with(builtins)))
               ? NULL
               : "sys.monitoring refuses the events";
}

static void remove_from_all(void) {
    (void)call_method(at_py.PyObject_CallMethod(monitoring, "set_events", "il", tool, 0L));
}

/* PY_UNWIND and PY_THROW cannot be asked for in one code object; a function that does nothing has neither. */
static void try_out(at_object *code, enum at_switch on) {
    long set = 0;
    for (int i = 0; on == AT_SWITCH_ON && i < WANTED; ++i)
        if (wanted[i].call == on_leave || wanted[i].call == on_enter)
            if (strcmp(wanted[i].event, "PY_THROW") != 0) set |= events[i];
    (void)call_method(at_py.PyObject_CallMethod(monitoring, "set_local_events", "iOl", tool, code, set));
}

const struct at_hook at_monitoring_hook = {prepare, install, remove_from_all, try_out};
