/* python_api: the functions of the CPython that this library finds itself in, 3.8 to 3.13.
 *
 * One library serves all versions, with a static or a shared interpreter: it is built without Python.h and finds
 * what it calls by name among the symbols that are in the process anyway. Only functions that CPython exports are
 * used; where a version names one differently, both names are tried. Objects are opaque here, but for what
 * object.h has laid out alike in all those versions.
 *
 * Threads: found once, before any other use; constant from then on. All functions need the GIL unless CPython's
 * manual says otherwise.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_API_H
#define AUTOTUNE_RUNTIMES_PYTHON_API_H

#include <stddef.h>
#include <stdint.h>

typedef struct at_object at_object; /* PyObject */
typedef struct at_tstate at_tstate; /* PyThreadState */
typedef struct at_interp at_interp; /* PyInterpreterState */

typedef int (*at_trace_function)(at_object *self, at_object *frame, int what, at_object *arg);
typedef at_object *(*at_evaluator)(at_tstate *thread, void *frame, int throwing);
typedef int (*at_audit_hook)(const char *event, at_object *args, void *context);

/* What a trace function is told (PyTrace_…). */
enum at_trace_event { AT_CALL = 0, AT_LINE = 2, AT_RETURN = 3, AT_C_CALL = 4, AT_C_EXCEPTION = 5, AT_C_RETURN = 6 };

struct at_method_def { /* PyMethodDef */
    const char *name;
    void *function;
    int flags;
    const char *doc;
};

/* name, result, arguments: in every version. */
#define AT_PYTHON_ALWAYS(F)                                                                             \
    F(Py_GetVersion, const char *, (void))                                                              \
    F(Py_IsInitialized, int, (void))                                                                    \
    F(Py_IncRef, void, (at_object *))                                                                   \
    F(Py_DecRef, void, (at_object *))                                                                   \
    F(PySys_AddAuditHook, int, (at_audit_hook, void *))                                                 \
    F(PySys_GetObject, at_object *, (const char *))                                                     \
    F(PyGILState_Ensure, int, (void))                                                                   \
    F(PyGILState_Release, void, (int))                                                                  \
    F(PyThreadState_Get, at_tstate *, (void))                                                           \
    F(Py_GetRecursionLimit, int, (void))                                                                \
    F(PyThreadState_Swap, at_tstate *, (at_tstate *))                                                   \
    F(PyThreadState_Next, at_tstate *, (at_tstate *))                                                   \
    F(PyInterpreterState_Main, at_interp *, (void))                                                     \
    F(PyInterpreterState_ThreadHead, at_tstate *, (at_interp *))                                        \
    F(PyEval_SetProfile, void, (at_trace_function, at_object *))                                        \
    F(PyEval_GetFrame, at_object *, (void))                                                             \
    F(PyEval_GetBuiltins, at_object *, (void))                                                          \
    F(PyEval_EvalCode, at_object *, (at_object *, at_object *, at_object *))                            \
    F(Py_CompileString, at_object *, (const char *, const char *, int))                                 \
    F(PyObject_GetAttrString, at_object *, (at_object *, const char *))                                 \
    F(PyObject_CallMethod, at_object *, (at_object *, const char *, const char *, ...))                 \
    F(PyLong_AsLong, long, (at_object *))                                                               \
    F(PyUnicode_AsUTF8, const char *, (at_object *))                                                    \
    F(PyUnicode_AsEncodedString, at_object *, (at_object *, const char *, const char *))                \
    F(PyBytes_AsString, char *, (at_object *))                                                          \
    F(PyBytes_Size, intptr_t, (at_object *))                                                            \
    F(PyDict_New, at_object *, (void))                                                                  \
    F(PyDict_Clear, void, (at_object *))                                                                \
    F(PyDict_SetItemString, int, (at_object *, const char *, at_object *))                              \
    F(PyTuple_Size, intptr_t, (at_object *))                                                            \
    F(PyTuple_GetItem, at_object *, (at_object *, intptr_t))                                            \
    F(PyCFunction_NewEx, at_object *, (struct at_method_def *, at_object *, at_object *))               \
    F(PyEval_SetTrace, void, (at_trace_function, at_object *))                                          \
    F(PyFrame_GetLineNumber, int, (at_object *))                                                        \
    F(PyObject_Repr, at_object *, (at_object *))                                                        \
    F(PyObject_Str, at_object *, (at_object *))                                                         \
    F(PyObject_Size, intptr_t, (at_object *))                                                           \
    F(PyUnicode_GetLength, intptr_t, (at_object *))                                                     \
    F(PyUnicode_Substring, at_object *, (at_object *, intptr_t, intptr_t))                              \
    F(PyDict_Copy, at_object *, (at_object *))                                                          \
    F(PyDict_Update, int, (at_object *, at_object *))                                                   \
    F(PyDict_SetItem, int, (at_object *, at_object *, at_object *))                                     \
    F(PyDict_Size, intptr_t, (at_object *))                                                             \
    F(PyDict_Next, int, (at_object *, intptr_t *, at_object **, at_object **))                          \
    F(PyList_Size, intptr_t, (at_object *))                                                             \
    F(PyList_GetItem, at_object *, (at_object *, intptr_t))                                             \
    F(PyIter_Next, at_object *, (at_object *))                                                          \
    F(PyCell_Get, at_object *, (at_object *))                                                           \
    F(PyErr_Fetch, void, (at_object **, at_object **, at_object **))                                    \
    F(PyErr_Restore, void, (at_object *, at_object *, at_object *))                                     \
    F(PyErr_Clear, void, (void))

/* Null in the versions that do not have it. */
#define AT_PYTHON_SOMETIMES(F)                                                                          \
    F(PyFrame_GetCode, at_object *, (at_object *))                        /* 3.9 on */                  \
    F(PyFrame_GetLasti, int, (at_object *))                               /* 3.11 on */                 \
    F(PyFrame_GetVarString, at_object *, (at_object *, const char *))     /* 3.12 on */                 \
    F(PyThreadState_GetID, uint64_t, (at_tstate *))                       /* 3.9 on */                  \
    F(PyType_FromSpec, at_object *, (void *))                             /* used from 3.12 on */       \
    F(PyType_GenericAlloc, at_object *, (at_object *, intptr_t))          /* used from 3.12 on */

struct at_python_api {
    int minor;           /* of 3.minor */
    at_object *none;     /* Py_None */
    /* Types: PyCFunction_Type and so on. */
    at_object *cfunction, *method_descriptor, *cell;
    at_object *string, *bytes, *byte_array, *integer, *list, *tuple, *dict, *set, *frozen_set;
#define AT_MEMBER(name, result, arguments) result(*name) arguments;
    AT_PYTHON_ALWAYS(AT_MEMBER)
    AT_PYTHON_SOMETIMES(AT_MEMBER)
#undef AT_MEMBER
    /* _PyEval_RequestCodeExtraIndex and kin; PyUnstable_… from 3.12 on. */
    intptr_t (*request_code_extra)(void (*release)(void *));
    int (*get_code_extra)(at_object *code, intptr_t index, void **extra);
    int (*set_code_extra)(at_object *code, intptr_t index, void *extra);
    /* PEP 523; used in 3.11 only, null where they are not exported. */
    at_evaluator evaluate_frame; /* _PyEval_EvalFrameDefault */
    at_evaluator (*get_evaluator)(at_interp *);
    void (*set_evaluator)(at_interp *, at_evaluator);
};

extern struct at_python_api at_py;

/* Finds the interpreter. Null when all is well, else why this process cannot be traced; "" when it has no
 * CPython at all. May be called before the interpreter is initialised. */
const char *at_python_api_load(void);

/* Type of an object: the second word in every version (not of a Py_TRACE_REFS build, which is refused). */
static inline at_object *at_type_of(const at_object *object) { return ((at_object *const *)object)[1]; }

#endif
