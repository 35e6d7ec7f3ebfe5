#include "runtimes/python/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtimes/python/brief.h"
#include "runtimes/python/frame_variables.h"
#include "runtimes/python/functions.h"
#include "runtimes/python/recorder.h"

enum { WATCHES = 16, A_SECOND = 10, VALUE = 400 };

struct watch {
    uint32_t line;
    char file[512];
    char expression[1024];
    char what[1600]; /* "handler.py:42 len(items)" */
    at_object *compiled;
    time_t second; /* the one of which `told` values were told */
    uint32_t told;
    uint32_t skipped; /* since the last one */
};

bool at_watching;
__thread bool at_watch_evaluates __attribute__((tls_model("initial-exec")));
static struct watch watches[WATCHES];
static int count;

void at_watch_clear(void) {
    for (int i = 0; i < count; ++i)
        if (watches[i].compiled != NULL) at_py.Py_DecRef(watches[i].compiled);
    memset(watches, 0, sizeof watches);
    count = 0;
    at_watching = false;
}

void at_watch_add(const char *text, size_t length) {
    char copy[1600], *rest = copy;
    if (count == WATCHES || length >= sizeof copy) return;
    memcpy(copy, text, length);
    copy[length] = '\0';
    const char *line = strsep(&rest, "\t"), *file = strsep(&rest, "\t");
    struct watch *w = &watches[count];
    if (file == NULL || rest == NULL || strlen(file) >= sizeof w->file || strlen(rest) >= sizeof w->expression) return;
    w->line = (uint32_t)strtoul(line, NULL, 10);
    strcpy(w->file, file);
    strcpy(w->expression, rest);
    snprintf(w->what, sizeof w->what, "%s:%u %s", file, w->line, rest);
    count++;
    at_watching = true;
}

static bool is_file(const char *path, const char *wanted) {
    const size_t whole = strlen(path), part = strlen(wanted);
    if (part > whole || strcmp(path + whole - part, wanted) != 0) return false;
    return part == whole || path[whole - part - 1] == '/';
}

/* Of 3.8 and 3.9: pairs of how far the code and the line go on. */
static bool table_has_line(at_object *code, long first, long line) {
    at_object *table = at_py.PyObject_GetAttrString(code, "co_lnotab");
    if (table == NULL) return at_py.PyErr_Clear(), false;
    const char *steps = at_py.PyBytes_AsString(table);
    const intptr_t size = at_py.PyBytes_Size(table);
    bool found = first == line;
    for (intptr_t i = 1; i < size && !found; i += 2) found = (first += (signed char)steps[i]) == line;
    at_py.Py_DecRef(table);
    return found;
}

static bool has_line(at_object *code, long line) {
    at_object *first = at_py.PyObject_GetAttrString(code, "co_firstlineno");
    const long begin = first != NULL ? at_py.PyLong_AsLong(first) : 0;
    if (first != NULL) at_py.Py_DecRef(first);
    if (at_py.minor < 10) return table_has_line(code, begin, line);
    at_object *lines = at_py.PyObject_CallMethod(code, "co_lines", NULL);
    at_object *entry;
    bool found = false;
    while (lines != NULL && !found && (entry = at_py.PyIter_Next(lines)) != NULL) {
        at_object *number = at_py.PyTuple_GetItem(entry, 2); /* None: of no line */
        found = number != NULL && at_type_of(number) == at_py.integer && at_py.PyLong_AsLong(number) == line;
        at_py.Py_DecRef(entry);
    }
    if (lines != NULL) at_py.Py_DecRef(lines);
    at_py.PyErr_Clear();
    return found;
}

uint64_t at_watch_tag(at_object *code) {
    at_object *name = at_watching ? at_py.PyObject_GetAttrString(code, "co_filename") : NULL;
    const char *path = name != NULL ? at_py.PyUnicode_AsUTF8(name) : NULL;
    bool watched = false;
    for (int i = 0; path != NULL && i < count && !watched; ++i)
        watched = is_file(path, watches[i].file) && has_line(code, (long)watches[i].line);
    if (name != NULL) at_py.Py_DecRef(name);
    at_py.PyErr_Clear();
    return watched ? AT_WATCHED : 0;
}

static void evaluate(struct watch *w, at_object *code, at_object *frame) {
    enum { EVAL_INPUT = 258 };
    char value[VALUE] = "raised ";
    at_object *type, *error, *trace;
    at_py.PyErr_Fetch(&type, &error, &trace);
    at_watch_evaluates = true;
    if (w->compiled == NULL) w->compiled = at_py.Py_CompileString(w->expression, "<watch>", EVAL_INPUT);
    at_object *variables = w->compiled != NULL ? at_variables_of(code, frame) : NULL;
    at_object *result = variables != NULL ? at_py.PyEval_EvalCode(w->compiled, variables, variables) : NULL;
    if (result != NULL) at_brief(result, value, sizeof value);
    else at_brief_exception(value + strlen(value), sizeof value - strlen(value));
    if (result != NULL) at_py.Py_DecRef(result);
    if (variables != NULL) at_py.Py_DecRef(variables);
    at_watch_evaluates = false;
    at_py.PyErr_Restore(type, error, trace);
    if (at_recorder_value(value, w->what, w->skipped)) w->skipped = 0;
    else ++w->skipped;
}

void at_watch_line(at_object *code, at_object *frame, uint32_t line) {
    struct timespec now = {0, 0};
    for (int i = 0; i < count && !at_watch_evaluates; ++i) {
        struct watch *w = &watches[i];
        if (w->line != line) continue;
        at_object *name = at_py.PyObject_GetAttrString(code, "co_filename");
        const char *path = name != NULL ? at_py.PyUnicode_AsUTF8(name) : NULL;
        const bool here = path != NULL && is_file(path, w->file);
        if (name != NULL) at_py.Py_DecRef(name);
        if (!here) continue;
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        if (now.tv_sec != w->second) w->second = now.tv_sec, w->told = 0;
        if (w->told++ < A_SECOND) evaluate(w, code, frame);
        else ++w->skipped;
    }
}

int at_watch_trace(at_object *self, at_object *frame, int what, at_object *arg) {
    (void)self, (void)arg;
    if (!at_watching) return at_py.PyEval_SetTrace(NULL, NULL), 0; /* the tracing is over */
    if (what != AT_LINE) return 0;
    at_object *code = at_code_of_frame(frame);
    if ((at_tagged_function_of_code(code) & AT_WATCHED) != 0)
        at_watch_line(code, frame, (uint32_t)at_py.PyFrame_GetLineNumber(frame));
    return 0;
}

/* Calls of this thread that are open since it was first seen, by depth; a bit for those whose lines are watched. A
 * library that is loaded late has only some hundred bytes of such variables. */
enum { DEEPEST = 1024 };
static __thread struct {
    int depth;
    bool traces;
    uint64_t watched[DEEPEST / 64];
} calls __attribute__((tls_model("initial-exec")));

/* sys.gettrace() does not show ours, which has no object. */
static bool is_untraced(void) {
    at_object *gettrace = at_py.PySys_GetObject("gettrace");
    at_object *tracer = gettrace != NULL ? at_py.PyObject_CallMethod(gettrace, "__call__", NULL) : NULL;
    const bool none = tracer == at_py.none;
    if (tracer != NULL) at_py.Py_DecRef(tracer);
    at_py.PyErr_Clear();
    return none;
}

static void trace_lines(void) {
    const int depth = calls.depth;
    const bool wanted = depth >= 0 && depth < DEEPEST && (calls.watched[depth / 64] >> depth % 64 & 1) != 0;
    if (wanted == calls.traces) return;
    if (!is_untraced()) return; /* by the program */
    calls.traces = wanted;
    at_py.PyEval_SetTrace(wanted ? at_watch_trace : NULL, NULL);
}

void at_watch_enter(bool watched) {
    const int depth = ++calls.depth;
    if (depth >= 0 && depth < DEEPEST) {
        calls.watched[depth / 64] &= ~(1ull << depth % 64);
        calls.watched[depth / 64] |= (uint64_t)watched << depth % 64;
    }
    trace_lines();
}

void at_watch_leave(void) {
    calls.depth--;
    trace_lines();
}
