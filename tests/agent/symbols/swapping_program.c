// Computes in a library, unloads it, and computes in another one that takes its place.
#include <dlfcn.h>
#include <stdio.h>

static void* run(const char* path, const char* function, const void* wanted) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void (*spin)(void) = 0;
    if (!library) return 0;
    *(void**)&spin = dlsym(library, function);
    if (!spin || (wanted && (const void*)spin != wanted)) return 0;
    spin();
    dlclose(library);
    return *(void**)&spin;
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    void* first = run(argv[1], "spin_in_first", 0);
    if (!first) return 3;
    return run(argv[2], "spin_in_other", first) ? 0 : 4;  // 4: it lies elsewhere, so nothing would be shown
}
