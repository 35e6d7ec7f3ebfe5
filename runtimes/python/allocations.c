#include "runtimes/python/allocations.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtimes/python/python_api.h"

struct allocator { /* PyMemAllocatorEx */
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t count, size_t size);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block);
};
enum { DOMAINS = 3 }; /* PYMEM_DOMAIN_RAW, _MEM, _OBJ */

static void (*get_allocator)(int domain, struct allocator *to);
static void (*set_allocator)(int domain, struct allocator *from);

static struct allocator was[DOMAINS];
static bool installed[DOMAINS]; /* ours is there, or is what a later one passes on to */
static uint32_t active;
/* This thread is within an allocator: what that takes from another domain has been told, and so has what we take. */
static __thread uint32_t inside __attribute__((tls_model("initial-exec")));

/* `active` and `inside` are what is looked at when nobody wants to know. */
#define PASSES_BY() (__builtin_expect(__atomic_load_n(&active, __ATOMIC_RELAXED) == 0, 0) || inside != 0 || !at_sums_wanted())

static void told(void *block, size_t bytes) {
    const at_tstate *thread = at_frames_of_this_thread();
    if (thread != NULL)
        at_sums_add(at_sums_place(thread), (uintptr_t)block, bytes);
    else
        at_sums_add_without_gil(bytes);
}

static inline void *on_malloc(const struct allocator *a, size_t size) {
    if (PASSES_BY()) return a->malloc(a->context, size);
    inside = 1;
    void *block = a->malloc(a->context, size);
    if (block != NULL) told(block, size);
    inside = 0;
    return block;
}

static inline void *on_calloc(const struct allocator *a, size_t count, size_t size) {
    if (PASSES_BY()) return a->calloc(a->context, count, size);
    inside = 1;
    void *block = a->calloc(a->context, count, size);
    if (block != NULL) told(block, count * size);
    inside = 0;
    return block;
}

static inline void *on_realloc(const struct allocator *a, void *before, size_t size) {
    if (PASSES_BY()) return a->realloc(a->context, before, size);
    inside = 1;
    const at_tstate *thread = at_frames_of_this_thread();
    void *block = a->realloc(a->context, before, size);
    if (block != NULL && before != NULL && thread != NULL)
        at_sums_change(at_sums_place(thread), (uintptr_t)before, (uintptr_t)block, size);
    else if (block != NULL)
        told(block, size);
    inside = 0;
    return block;
}

static inline void on_free(const struct allocator *a, void *block) {
    if (block == NULL || PASSES_BY()) return a->free(a->context, block);
    inside = 1;
    if (at_frames_of_this_thread() != NULL) at_sums_remove((uintptr_t)block);
    a->free(a->context, block);
    inside = 0;
}

/* The context stays the original's, and is not looked at: another thread that reads function and context while they are
 * exchanged has either's function with a context that does for both. */
#define FUNCTIONS_OF(domain)                                                                                    \
    static void *malloc_##domain(void *c, size_t size) { return (void)c, on_malloc(&was[domain], size); }       \
    static void *calloc_##domain(void *c, size_t n, size_t size) { return (void)c, on_calloc(&was[domain], n, size); } \
    static void *realloc_##domain(void *c, void *b, size_t size) { return (void)c, on_realloc(&was[domain], b, size); } \
    static void free_##domain(void *c, void *b) { (void)c, on_free(&was[domain], b); }
FUNCTIONS_OF(0)
FUNCTIONS_OF(1)
FUNCTIONS_OF(2)

static const struct allocator ours[DOMAINS] = {
    {NULL, malloc_0, calloc_0, realloc_0, free_0},
    {NULL, malloc_1, calloc_1, realloc_1, free_1},
    {NULL, malloc_2, calloc_2, realloc_2, free_2},
};

static void install(void) {
    for (int domain = 0; domain < DOMAINS; ++domain) {
        if (installed[domain]) continue;
        get_allocator(domain, &was[domain]);
        struct allocator wrapped = ours[domain];
        wrapped.context = was[domain].context;
        set_allocator(domain, &wrapped);
        installed[domain] = true;
    }
}

static at_object *at_exit(at_object *self, at_object *arguments) {
    (void)self, (void)arguments;
    at_sums_keep_held();
    at_py.Py_IncRef(at_py.none);
    return at_py.none;
}

/* Registered before those of the program, so it comes after them. Without it what is in use is seen after the end. */
static void watch_for_exit(void) {
    static struct at_method_def method = {"autotune", (void *)at_exit, 4 /* METH_NOARGS */, NULL};
    static bool registered;
    at_object *(*import)(const char *) = (at_object * (*)(const char *)) dlsym(RTLD_DEFAULT, "PyImport_ImportModule");
    if (registered || import == NULL) return;
    registered = true;
    at_object *module = import("atexit");
    at_object *function = at_py.PyCFunction_NewEx(&method, NULL, NULL);
    at_object *answer = NULL;
    if (module != NULL && function != NULL) answer = at_py.PyObject_CallMethod(module, "register", "O", function);
    at_object *made[] = {module, function, answer};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; ++i)
        if (made[i] != NULL) at_py.Py_DecRef(made[i]);
    at_py.PyErr_Clear();
}

const char *at_allocations_begin(const char *folder, enum at_sums_detail detail) {
    get_allocator = (void (*)(int, struct allocator *))dlsym(RTLD_DEFAULT, "PyMem_GetAllocator");
    set_allocator = (void (*)(int, struct allocator *))dlsym(RTLD_DEFAULT, "PyMem_SetAllocator");
    if (get_allocator == NULL || set_allocator == NULL) return "this CPython does not export PyMem_SetAllocator";
    const char *why = at_frames_prepare();
    if (why != NULL || (why = at_sums_begin(folder, detail)) != NULL) return why;
    watch_for_exit();
    install();
    __atomic_store_n(&active, 1, __ATOMIC_RELEASE);
    return NULL;
}

void at_allocations_end(void) {
    if (active == 0) return;
    __atomic_store_n(&active, 0, __ATOMIC_RELEASE);
    for (int domain = 0; domain < DOMAINS; ++domain) {
        struct allocator there;
        get_allocator(domain, &there);
        if (there.malloc != ours[domain].malloc) continue; /* the program's own, which passes on to ours */
        set_allocator(domain, &was[domain]);
        installed[domain] = false;
    }
    at_sums_end();
}

int at_allocations_file(void) { return active != 0 ? at_sums_file() : -1; }
