/* The hook of 3.11: a frame evaluator (PEP 523), which costs a tenth of what a profile function does there.
 *
 * Python calls nest on the C stack then, which they do not otherwise: when a thread has used a quarter of its
 * stack, all threads change to the profile function for good. And one specialised instruction, a[i] with a
 * __getitem__ in Python, calls past the evaluator: code that has subscripts runs unspecialised, as it does while it
 * is being traced by anybody. What is used of 3.11's structures is checked before; else the profile function serves.
 */
#define _GNU_SOURCE
#include "runtimes/python/hook.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/resource.h>

#include "runtimes/python/functions.h"
#include "runtimes/python/recorder.h"
#include "runtimes/python/watch.h"

struct control_frame { /* _PyCFrame */
    uint8_t tracing;   /* 255: instructions are not specialised, and whoever traces is told; 0 */
};
struct thread_3_11 { /* PyThreadState */
    void *links[3];
    int flags[2];
    int recursion_remaining, recursion_limit, recursion_headroom;
    int tracing[2];
    struct control_frame *control;
    at_trace_function profile, trace;
};
struct frame_3_11 { /* _PyInterpreterFrame */
    void *function, *globals, *builtins, *locals;
    at_object *code;
    void *object, *previous, *instruction;
    int stack_top;
    bool entry;
    char owner; /* FRAME_OWNED_BY_… */
};
enum { OWNED_BY_THREAD = 0, OWNED_BY_GENERATOR = 1 };

static enum { OFF, EVALUATING, PROFILING } mode;
static at_interp *interpreter;
static __thread uintptr_t lowest __attribute__((tls_model("initial-exec"))); /* stack address that is deep enough */

enum { MOST_OF_STACK = 16 << 20 }; /* of a main thread without a limit */

/* The main thread's: the name of the program is at its top. The C library would read /proc/self/maps, which whoever traces
 * the program takes for its deed. 0: we are on another stack. */
static uintptr_t lowest_of_main_thread(void) {
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0), top = getauxval(AT_EXECFN);
    struct rlimit limit;
    if (top == 0 || getrlimit(RLIMIT_STACK, &limit) != 0) return 0;
    const uintptr_t used = limit.rlim_cur / 4 < MOST_OF_STACK ? limit.rlim_cur / 4 : MOST_OF_STACK;
    return here < top && top - here < 4 * used ? top - used : 0;
}

static uintptr_t lowest_of_this_thread(void) {
    const uintptr_t of_main = lowest_of_main_thread();
    if (of_main != 0) return of_main;
    pthread_attr_t attributes;
    void *stack = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return UINTPTR_MAX;
    const int failed = pthread_attr_getstack(&attributes, &stack, &size);
    pthread_attr_destroy(&attributes);
    const size_t used = size / 4 < MOST_OF_STACK ? size / 4 : MOST_OF_STACK;
    return failed != 0 ? UINTPTR_MAX : (uintptr_t)stack + size - used;
}

static void change_to_profile(void) {
    mode = PROFILING;
    at_py.set_evaluator(interpreter, at_py.evaluate_frame);
    (void)at_profile_hook.install(AT_SWITCH_OFF);
}

static bool too_deep(void) {
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (here >= lowest && lowest != 0) return false;
    if (lowest == 0) lowest = lowest_of_this_thread();
    return here < lowest;
}

static at_object *evaluate(at_tstate *state, void *any_frame, int throwing) {
    struct frame_3_11 *frame = any_frame;
    struct thread_3_11 *thread = (struct thread_3_11 *)state;
    const uint64_t function = at_tagged_function_of_code(frame->code);
    if (mode == EVALUATING && too_deep()) change_to_profile();
    /* A generator that is only made, and a call that will not be for want of recursion, are no calls. */
    if (mode != EVALUATING || at_watch_evaluates || thread->recursion_remaining <= 0 ||
        ((function & AT_GENERATOR) != 0 && frame->owner == OWNED_BY_THREAD))
        return at_py.evaluate_frame(state, any_frame, throwing);
    const uint8_t outer = thread->control->tracing;
    const at_trace_function outer_trace = thread->trace;
    if (outer_trace == NULL || outer_trace == at_watch_trace)
        thread->trace = (function & AT_WATCHED) != 0 ? at_watch_trace : NULL;
    const bool told = thread->profile != NULL || thread->trace != NULL;
    thread->control->tracing = told || (function & AT_SUBSCRIPTS) != 0 ? 255 : 0;
    at_recorder_enter(function & ~AT_TAGS);
    at_object *result = at_py.evaluate_frame(state, any_frame, throwing);
    if (mode != PROFILING) /* then the profile function has told it */
        at_recorder_leave(function & ~AT_TAGS, result != NULL ? AT_RING_RETURNED : AT_RING_RAISED);
    if (thread->trace == NULL || thread->trace == at_watch_trace) /* the program has not set its own meanwhile */
        thread->trace = outer_trace == at_watch_trace ? at_watch_trace : NULL;
    thread->control->tracing = thread->profile != NULL || thread->trace != NULL ? 255 : outer;
    return result;
}

static at_object *checked_code; /* of a generator function; null: what was seen is not what we know */
static int frames_checked;

static at_object *check(at_tstate *state, void *any_frame, int throwing) {
    const struct frame_3_11 *frame = any_frame;
    const char owner = frames_checked == 0 ? OWNED_BY_THREAD : OWNED_BY_GENERATOR;
    if (frame->code != checked_code || frame->owner != owner) checked_code = NULL;
    frames_checked++;
    return at_py.evaluate_frame(state, any_frame, throwing);
}

static int nothing(at_object *self, at_object *frame, int what, at_object *arg) {
    return (void)self, (void)frame, (void)what, (void)arg, 0;
}

static bool thread_is_as_known(void) {
    const struct thread_3_11 *thread = (const struct thread_3_11 *)at_py.PyThreadState_Get();
    if (thread->profile != NULL || thread->trace != NULL || thread->control->tracing != 0) return false;
    if (thread->recursion_limit != at_py.Py_GetRecursionLimit()) return false;
    at_py.PyEval_SetProfile(nothing, NULL);
    const bool known = thread->profile == nothing && thread->control->tracing == 255;
    at_py.PyEval_SetProfile(NULL, NULL);
    return known && thread->profile == NULL && thread->control->tracing == 0;
}

/* Runs a generator and looks at its frames: as it is made, and as it is resumed. */
static bool frame_is_as_known(void) {
    at_object *globals = at_py.PyDict_New();
    at_object *text = at_py.Py_CompileString("def g(): yield\n", "<autotune>", 257);
    at_object *done = globals != NULL && text != NULL ? at_py.PyEval_EvalCode(text, globals, globals) : NULL;
    at_object *function = done != NULL ? at_py.PyObject_CallMethod(globals, "get", "s", "g") : NULL;
    at_object *code = checked_code = function != NULL ? at_py.PyObject_GetAttrString(function, "__code__") : NULL;
    frames_checked = 0;
    at_py.set_evaluator(interpreter, check);
    at_object *generator = code != NULL ? at_py.PyObject_CallMethod(function, "__call__", NULL) : NULL;
    at_object *item = generator != NULL ? at_py.PyObject_CallMethod(generator, "__next__", NULL) : NULL;
    at_py.set_evaluator(interpreter, at_py.evaluate_frame);
    const bool known = item != NULL && checked_code != NULL && frames_checked == 2;
    at_py.PyErr_Clear();
    if (globals != NULL) at_py.PyDict_Clear(globals); /* g refers to it */
    at_object *made[] = {item, generator, code, function, done, text, globals};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; ++i)
        if (made[i] != NULL) at_py.Py_DecRef(made[i]);
    return known;
}

static const char *prepare(void) {
    interpreter = at_py.PyInterpreterState_Main();
    if (at_py.minor != 11 || at_py.evaluate_frame == NULL || at_py.set_evaluator == NULL || at_py.get_evaluator == NULL)
        return "there is no frame evaluator";
    if (at_py.get_evaluator(interpreter) != at_py.evaluate_frame) return "somebody else's frame evaluator is at work";
    if (!thread_is_as_known() || !frame_is_as_known()) return "this interpreter is not laid out as 3.11 is";
    return at_profile_hook.prepare();
}

static const char *install(enum at_switch builtins) {
    if (builtins == AT_SWITCH_ON) return "a frame evaluator sees no functions written in C";
    /* Frames that run already may hold the specialised instruction. */
    for (at_tstate *t = at_py.PyInterpreterState_ThreadHead(interpreter); t != NULL; t = at_py.PyThreadState_Next(t))
        ((struct thread_3_11 *)t)->control->tracing = 255;
    mode = EVALUATING;
    at_py.set_evaluator(interpreter, evaluate);
    return NULL;
}

static void remove_from_all(void) {
    if (mode == PROFILING) at_profile_hook.remove();
    else at_py.set_evaluator(interpreter, at_py.evaluate_frame);
    mode = OFF;
}

static void try_out(at_object *code, enum at_switch on) {
    (void)code;
    mode = on == AT_SWITCH_ON ? EVALUATING : OFF;
    at_py.set_evaluator(interpreter, on == AT_SWITCH_ON ? evaluate : at_py.evaluate_frame);
}

const struct at_hook at_evaluator_hook = {prepare, install, remove_from_all, try_out};
