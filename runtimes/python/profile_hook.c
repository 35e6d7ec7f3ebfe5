#include "runtimes/python/hook.h"

#include <stdbool.h>
#include <string.h>

#include "runtimes/python/functions.h"
#include "runtimes/python/recorder.h"
#include "runtimes/python/watch.h"

static bool with_builtins;
static at_object *shown; /* what sys.getprofile() answers */
static at_interp *interpreter;
static uint64_t newest_thread; /* id of the youngest thread state that was hooked */

enum { THREAD_ID_3_8 = 256 }; /* PyThreadState.id */

static uint64_t id_of(at_tstate *thread) {
    if (at_py.PyThreadState_GetID != NULL) return at_py.PyThreadState_GetID(thread);
    return *(uint64_t *)((char *)thread + THREAD_ID_3_8);
}

static int on_event(at_object *self, at_object *frame, int what, at_object *arg);

/* PyEval_SetProfile is for the current thread; with the GIL held, any may be that for a moment. */
static void set_profile(at_tstate *thread, at_trace_function function) {
    at_tstate *current = at_py.PyThreadState_Swap(thread);
    at_py.PyEval_SetProfile(function, function != NULL ? shown : NULL);
    at_py.PyThreadState_Swap(current);
}

/* A new thread's state is there, at the head of the list, before the thread runs: whoever started it is told of
 * the end of that very call (of _thread.start_new_thread) first. Ids only grow. */
static void look_for_new_threads(void) {
    at_tstate *head = at_py.PyInterpreterState_ThreadHead(interpreter);
    if (head == NULL || id_of(head) <= newest_thread) return;
    for (at_tstate *t = head; t != NULL && id_of(t) > newest_thread; t = at_py.PyThreadState_Next(t))
        set_profile(t, on_event);
    newest_thread = id_of(head);
}

static int on_event(at_object *self, at_object *frame, int what, at_object *arg) {
    (void)self;
    switch (what) {
        case AT_CALL: {
            const uint64_t function = at_tagged_function_of_code(at_code_of_frame(frame));
            if (at_watching) at_watch_enter((function & AT_WATCHED) != 0);
            at_recorder_enter(function & ~AT_TAGS);
            break;
        }
        case AT_RETURN:
            at_recorder_leave(at_function_of_code(at_code_of_frame(frame)),
                              arg != NULL ? AT_RING_RETURNED : AT_RING_RAISED);
            if (at_watching) at_watch_leave();
            break;
        case AT_C_CALL:
            if (with_builtins) at_recorder_enter(at_function_of_builtin(arg));
            break;
        case AT_C_RETURN:
        case AT_C_EXCEPTION:
            if (with_builtins)
                at_recorder_leave(at_function_of_builtin(arg),
                                  what == AT_C_RETURN ? AT_RING_RETURNED : AT_RING_RAISED);
            look_for_new_threads();
            break;
        default: break;
    }
    return 0;
}

/* Programs save sys.getprofile() and set it again later; then it is called as any profile function in Python is:
 * hook(frame, event, arg). It puts the real one in its place; that one call costs more. */
static at_object *called_from_python(at_object *self, at_object *arguments) {
    static const char *const names[] = {"call", "exception", "line", "return", "c_call", "c_exception", "c_return"};
    at_py.PyEval_SetProfile(on_event, shown);
    at_object *event = NULL;
    if (at_py.PyTuple_Size(arguments) == 3) event = at_py.PyTuple_GetItem(arguments, 1);
    const char *text = event != NULL ? at_py.PyUnicode_AsUTF8(event) : NULL;
    if (text == NULL) at_py.PyErr_Clear();
    for (int what = 0; text != NULL && what < 7; ++what)
        if (strcmp(text, names[what]) == 0)
            on_event(self, at_py.PyTuple_GetItem(arguments, 0), what, at_py.PyTuple_GetItem(arguments, 2));
    at_py.Py_IncRef(at_py.none);
    return at_py.none;
}

static const char *prepare(void) {
    static struct at_method_def method = {"autotune", (void *)called_from_python, 1 /* METH_VARARGS */, NULL};
    interpreter = at_py.PyInterpreterState_Main();
    if (shown == NULL) shown = at_py.PyCFunction_NewEx(&method, NULL, NULL);
    return shown != NULL ? NULL : "there is no memory for the profile function";
}

static const char *install(enum at_switch builtins) {
    with_builtins = builtins == AT_SWITCH_ON;
    newest_thread = 0;
    look_for_new_threads();
    return NULL;
}

static void remove_from_all(void) {
    for (at_tstate *t = at_py.PyInterpreterState_ThreadHead(interpreter); t != NULL; t = at_py.PyThreadState_Next(t))
        set_profile(t, NULL);
}

static void try_out(at_object *code, enum at_switch on) {
    (void)code;
    at_py.PyEval_SetProfile(on == AT_SWITCH_ON ? on_event : NULL, on == AT_SWITCH_ON ? shown : NULL);
}

const struct at_hook at_profile_hook = {prepare, install, remove_from_all, try_out};
