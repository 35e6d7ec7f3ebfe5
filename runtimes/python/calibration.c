#include "runtimes/python/calibration.h"

#include <stddef.h>

#include "runtimes/python/functions.h"

enum { CALLS = 512, ROUNDS = 9 }; /* the records of all rounds fit in the pages that are there */

/* Py_file_input: a module's text. */
static at_object *compile(const char *text) { return at_py.Py_CompileString(text, "<autotune>", 257); }

/* Ticks of the quickest of some runs: what interrupts a run is no part of its cost. */
static uint64_t quickest(at_object *code, at_object *globals) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i <= ROUNDS; ++i) {
        const uint64_t begin = at_recorder_ticks();
        at_object *answer = at_py.PyEval_EvalCode(code, globals, globals);
        const uint64_t ticks = at_recorder_ticks() - begin;
        if (answer == NULL) return at_py.PyErr_Clear(), 0;
        at_py.Py_DecRef(answer);
        if (i > 0 && ticks < best) best = ticks; /* the first warms up */
    }
    return best;
}

/* The trial is over whatever happens. */
static struct at_bias measure(const struct at_hook *hook, at_object *globals, at_object *loop) {
    struct at_bias bias = {0, 0};
    at_object *function = at_py.PyObject_CallMethod(globals, "get", "s", "f");
    at_object *code = function != NULL ? at_py.PyObject_GetAttrString(function, "__code__") : NULL;
    if (code == NULL) return at_py.PyErr_Clear(), (void)at_recorder_end_trial(0), bias;
    const uint64_t plain = quickest(loop, globals);
    hook->try_out(code, AT_SWITCH_ON);
    const uint64_t traced = quickest(loop, globals);
    hook->try_out(code, AT_SWITCH_OFF);
    bias.inside = at_recorder_end_trial(at_function_of_code(code));
    bias.around = traced > plain ? (traced - plain) * 1024 / CALLS : 0;
    if (bias.inside > bias.around) bias.inside = bias.around;
    at_py.Py_DecRef(code);
    at_py.Py_DecRef(function);
    return bias;
}

struct at_bias at_measure_bias(const struct at_hook *hook) {
    struct at_bias bias = {0, 0};
    at_object *globals = at_py.PyDict_New();
    at_object *definition = compile("def f():\n    pass\nr = (None,) * 512\n"); /* CALLS */
    at_object *loop = compile("for _ in r: f()\n");
    if (globals != NULL && definition != NULL && loop != NULL && at_recorder_begin_trial() == NULL) {
        at_py.PyDict_SetItemString(globals, "__builtins__", at_py.PyEval_GetBuiltins());
        at_object *defined = at_py.PyEval_EvalCode(definition, globals, globals);
        if (defined != NULL) at_py.Py_DecRef(defined);
        at_py.PyErr_Clear();
        bias = measure(hook, globals, loop);
    }
    at_py.PyErr_Clear();
    if (globals != NULL) at_py.PyDict_Clear(globals); /* f refers to it */
    at_object *made[] = {globals, definition, loop};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; ++i)
        if (made[i] != NULL) at_py.Py_DecRef(made[i]);
    return bias;
}
