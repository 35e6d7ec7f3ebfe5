#include "runtimes/python/python_api.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct at_python_api at_py;

static void *either(const char *name, const char *other) {
    void *found = dlsym(RTLD_DEFAULT, name);
    return found != NULL ? found : dlsym(RTLD_DEFAULT, other);
}

const char *at_python_api_load(void) {
    if (at_py.minor != 0) return NULL;
    at_py.Py_GetVersion = (const char *(*)(void))dlsym(RTLD_DEFAULT, "Py_GetVersion");
    if (at_py.Py_GetVersion == NULL) return "";
    const char *version = at_py.Py_GetVersion(); /* "3.11.2 (main, …", before initialisation too */
    if (strncmp(version, "3.", 2) != 0) return "only CPython 3 can be traced from inside";
    const int minor = atoi(version + 2);
    if (minor < 8) return "CPython before 3.8 cannot be traced from inside";
    if (minor > 13) return "this CPython is newer than 3.13, the last that is known here";
    /* A free-threaded interpreter, a debug build that links all objects. */
    if (dlsym(RTLD_DEFAULT, "_Py_DecRefShared") != NULL) return "free-threaded CPython cannot be traced from inside";
    if (dlsym(RTLD_DEFAULT, "_Py_AddToAllObjects") != NULL) return "a Py_TRACE_REFS build cannot be traced from inside";
#define AT_FIND(member, result, arguments) at_py.member = (result(*) arguments)dlsym(RTLD_DEFAULT, #member);
    AT_PYTHON_SOMETIMES(AT_FIND)
#define AT_REQUIRE(member, result, arguments)           \
    AT_FIND(member, result, arguments)                  \
    if (at_py.member == NULL) return "this CPython does not export " #member;
    AT_PYTHON_ALWAYS(AT_REQUIRE)
#undef AT_FIND
#undef AT_REQUIRE
    at_py.request_code_extra = either("_PyEval_RequestCodeExtraIndex", "PyUnstable_Eval_RequestCodeExtraIndex");
    at_py.get_code_extra = either("_PyCode_GetExtra", "PyUnstable_Code_GetExtra");
    at_py.set_code_extra = either("_PyCode_SetExtra", "PyUnstable_Code_SetExtra");
    if (at_py.request_code_extra == NULL || at_py.get_code_extra == NULL || at_py.set_code_extra == NULL)
        return "this interpreter has no code extras: it is no CPython"; /* PyPy, say */
    if (minor > 8 && at_py.PyFrame_GetCode == NULL) return "this CPython does not export PyFrame_GetCode";
    at_py.evaluate_frame = (at_evaluator)dlsym(RTLD_DEFAULT, "_PyEval_EvalFrameDefault");
    at_py.get_evaluator = (at_evaluator(*)(at_interp *))dlsym(RTLD_DEFAULT, "_PyInterpreterState_GetEvalFrameFunc");
    at_py.set_evaluator =
        (void (*)(at_interp *, at_evaluator))dlsym(RTLD_DEFAULT, "_PyInterpreterState_SetEvalFrameFunc");
    at_py.none = dlsym(RTLD_DEFAULT, "_Py_NoneStruct");
    const struct {
        at_object **to;
        const char *name;
    } types[] = {
        {&at_py.cfunction, "PyCFunction_Type"}, {&at_py.method_descriptor, "PyMethodDescr_Type"},
        {&at_py.cell, "PyCell_Type"},           {&at_py.string, "PyUnicode_Type"},
        {&at_py.bytes, "PyBytes_Type"},         {&at_py.byte_array, "PyByteArray_Type"},
        {&at_py.integer, "PyLong_Type"},        {&at_py.list, "PyList_Type"},
        {&at_py.tuple, "PyTuple_Type"},         {&at_py.dict, "PyDict_Type"},
        {&at_py.set, "PySet_Type"},             {&at_py.frozen_set, "PyFrozenSet_Type"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
        if ((*types[i].to = dlsym(RTLD_DEFAULT, types[i].name)) == NULL)
            return "this CPython does not export its types";
    if (at_py.none == NULL) return "this CPython does not export None";
    at_py.minor = minor;
    return NULL;
}
