#define _GNU_SOURCE
#include "runtimes/python/python_frames.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtimes/python/functions.h"

/* Offsets in bytes, as CPython's headers have them (agent/symbols/python_layout.cpp has the same for BPF). */
struct layout {
    int minor;
    uint16_t thread_frame; /* PyThreadState: the innermost frame, */
    uint16_t cframe_frame; /* or a _PyCFrame, that has it there; NO_CFRAME */
    uint16_t back, code, instruction;
    uint16_t owner;                       /* from 3.11 on: whose the frame is */
    uint16_t instructions, first_traced;  /* PyCodeObject: its code; number of the instruction that begins it */
};
enum { NO_CFRAME = 0xffff, THREAD_INTERPRETER = 16, OWNED_BY_GENERATOR = 1, OWNED_BY_C_STACK = 3, LEVELS = 3 };

static const struct layout layouts[] = {
    {8, 24, NO_CFRAME, 24, 32, 104, 0, 0, 0},     {9, 24, NO_CFRAME, 24, 32, 104, 0, 0, 0},
    {10, 24, NO_CFRAME, 24, 32, 96, 0, 0, 0},     {11, 56, 8, 48, 32, 56, 69, 184, 168},
    {12, 56, 0, 8, 0, 56, 70, 192, 176},          {13, 72, NO_CFRAME, 8, 0, 56, 70, 200, 184},
};
static struct layout at;
static at_interp *main_interpreter;
static at_tstate *(*current)(void);       /* up to 3.11: whoever has the GIL; later: this thread's, null without the GIL */
static at_tstate *(*of_this_thread)(void);
static int (*line_of)(at_object *code, int offset);

static inline uintptr_t word(const void *base, uint16_t offset) {
    return *(const uintptr_t *)((const char *)base + offset);
}

at_tstate *at_frames_of_this_thread(void) {
    at_tstate *thread = current();
    if (thread == NULL || (at.minor < 12 && of_this_thread() != thread)) return NULL;
    return (at_interp *)word(thread, THREAD_INTERPRETER) == main_interpreter ? thread : NULL;
}

static inline const void *innermost(const at_tstate *thread) {
    const void *frame = (const void *)word(thread, at.thread_frame);
    return at.cframe_frame == NO_CFRAME ? frame : (const void *)word(frame, at.cframe_frame);
}

static uint32_t walk_objects(const at_tstate *thread, struct at_place *places, uint32_t most, bool *cut) {
    uint32_t n = 0;
    const uint16_t back = at.back, code = at.code, instruction = at.instruction;
    for (const void *frame = innermost(thread); frame != NULL; frame = (const void *)word(frame, back)) {
        if (n == most) return *cut = true, n;
        places[n].code = (at_object *)word(frame, code);
        places[n++].at = (uintptr_t)(intptr_t)*(const int *)((const char *)frame + instruction);
    }
    return n;
}

uint32_t at_frames_walk(const at_tstate *thread, struct at_place *places, uint32_t most, bool *cut) {
    *cut = false;
    if (at.owner == 0) return walk_objects(thread, places, most, cut);
    uint32_t n = 0;
    for (const void *frame = innermost(thread); frame != NULL; frame = (const void *)word(frame, at.back)) {
        const char owner = *((const char *)frame + at.owner);
        if (owner == OWNED_BY_C_STACK && at.minor > 11) continue;
        const uintptr_t code = word(frame, at.code), instruction = word(frame, at.instruction);
        if (owner != OWNED_BY_GENERATOR &&
            instruction < code + at.instructions + 2 * (intptr_t)*(const int *)(code + at.first_traced))
            continue; /* its arguments are still being put in place */
        if (n == most) return *cut = true, n;
        places[n++] = (struct at_place){(at_object *)code, instruction};
    }
    return n;
}

int at_offset_of(const struct at_place *place) {
    if (at.owner != 0) return (int)(place->at - (uintptr_t)place->code - at.instructions);
    return (int)(intptr_t)place->at * (at.minor == 10 ? 2 : 1);
}

uint32_t at_line_of(const struct at_place *place) {
    const int line = line_of(place->code, at_offset_of(place));
    return line > 0 ? (uint32_t)line : 0;
}

/* --- is it so here? --- */

static const char *verdict;

/* Reads memory that may not be there. */
static bool peek(uintptr_t address, void *to, size_t size) {
    struct iovec here = {to, size}, there = {(void *)address, size};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* That what the walk goes through can be read at all: as many frames as it needs, and one more for 3.12's own. */
static bool readable(const at_tstate *thread) {
    uintptr_t frame = 0, code = 0, other = 0;
    if (!peek((uintptr_t)thread + THREAD_INTERPRETER, &other, sizeof other) || other != (uintptr_t)main_interpreter)
        return false;
    if (!peek((uintptr_t)thread + at.thread_frame, &frame, sizeof frame)) return false;
    if (at.cframe_frame != NO_CFRAME && !peek(frame + at.cframe_frame, &frame, sizeof frame)) return false;
    for (int i = 0; i < LEVELS + 1 && frame != 0; ++i) {
        char rest[8];
        if (!peek(frame + at.code, &code, sizeof code) || !peek(frame + at.instruction, rest, sizeof rest) ||
            (at.owner != 0 && !peek(code + at.instructions, rest, sizeof rest)) ||
            !peek(frame + at.back, &frame, sizeof frame))
            return false;
    }
    return true;
}

/* Called from Python: our places against frame objects. */
static at_object *compare(at_object *self, at_object *arguments) {
    (void)self, (void)arguments;
    verdict = "this CPython has its frames in another way than is known";
    at_py.Py_IncRef(at_py.none);
    at_tstate *thread = current();
    if (thread == NULL || !readable(thread) || at_frames_of_this_thread() != thread) return at_py.none;
    struct at_place places[LEVELS];
    bool cut = false;
    if (at_frames_walk(thread, places, LEVELS, &cut) != LEVELS) return at_py.none;
    at_object *frame = at_py.PyEval_GetFrame();
    if (frame != NULL) at_py.Py_IncRef(frame);
    int same = 0;
    for (int i = 0; i < LEVELS && frame != NULL; ++i) {
        same += at_code_of_frame(frame) == places[i].code &&
                (uint32_t)at_py.PyFrame_GetLineNumber(frame) == at_line_of(&places[i]);
        at_object *back = at_py.PyObject_GetAttrString(frame, "f_back");
        at_py.Py_DecRef(frame);
        frame = back;
    }
    if (frame != NULL) at_py.Py_DecRef(frame);
    at_py.PyErr_Clear();
    if (same == LEVELS) verdict = NULL;
    return at_py.none;
}

static void run_trial(void) {
    static struct at_method_def method = {"compare", (void *)compare, 4 /* METH_NOARGS */, NULL};
    at_object *globals = at_py.PyDict_New();
    at_object *function = at_py.PyCFunction_NewEx(&method, NULL, NULL);
    at_object *code = at_py.Py_CompileString("def a(f):\n    return f()\ndef b(f):\n\n    return a(f)\n\nb(f)\n", "<autotune>",
                                             257 /* Py_file_input */);
    if (globals != NULL && function != NULL && code != NULL) {
        at_py.PyDict_SetItemString(globals, "__builtins__", at_py.PyEval_GetBuiltins());
        at_py.PyDict_SetItemString(globals, "f", function);
        at_object *answer = at_py.PyEval_EvalCode(code, globals, globals);
        if (answer != NULL) at_py.Py_DecRef(answer);
    }
    at_py.PyErr_Clear();
    if (globals != NULL) at_py.PyDict_Clear(globals); /* its functions refer to it */
    at_object *made[] = {globals, function, code};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; ++i)
        if (made[i] != NULL) at_py.Py_DecRef(made[i]);
}

const char *at_frames_prepare(void) {
    at.minor = 0;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; ++i)
        if (layouts[i].minor == at_py.minor) at = layouts[i];
    void *found = dlsym(RTLD_DEFAULT, "PyThreadState_GetUnchecked"); /* 3.13's name */
    if (found == NULL) found = dlsym(RTLD_DEFAULT, "_PyThreadState_UncheckedGet");
    current = (at_tstate *(*)(void))found;
    of_this_thread = (at_tstate *(*)(void))dlsym(RTLD_DEFAULT, "PyGILState_GetThisThreadState");
    line_of = (int (*)(at_object *, int))dlsym(RTLD_DEFAULT, "PyCode_Addr2Line");
    if (at.minor == 0 || current == NULL || of_this_thread == NULL || line_of == NULL)
        return "this CPython does not export what tells where it is";
    main_interpreter = at_py.PyInterpreterState_Main();
    verdict = "this CPython could not be tried out";
    run_trial();
    return verdict;
}
