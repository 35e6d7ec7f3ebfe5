/* longjmp and its like leave frames without their functions' leaving: before they do, we are told. Each goes on to
 * the C library's own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <stdlib.h>

#include "runtimes/native/calls.h"

typedef void jump(struct __jmp_buf_tag[1], int);

#define AT_JUMP(name)                                                                                          \
    __attribute__((visibility("default"), noreturn)) void name(struct __jmp_buf_tag to[1], int value);           \
    static jump *real_##name;                                                                                  \
    void name(struct __jmp_buf_tag to[1], int value) {                                                           \
        at_calls_jumped();                                                                                     \
        if (real_##name == NULL) real_##name = (jump *)dlsym(RTLD_NEXT, #name);                                \
        if (real_##name != NULL) real_##name(to, value);                                                       \
        abort(); /* no C library is without it */                                                              \
    }

#undef longjmp
#undef siglongjmp
AT_JUMP(longjmp)
AT_JUMP(_longjmp)
AT_JUMP(siglongjmp)
AT_JUMP(__longjmp_chk)

/* In good time: a handler of a signal that jumps must not come into the dynamic linker. */
__attribute__((constructor)) static void find(void) {
    real_longjmp = (jump *)dlsym(RTLD_NEXT, "longjmp");
    real__longjmp = (jump *)dlsym(RTLD_NEXT, "_longjmp");
    real_siglongjmp = (jump *)dlsym(RTLD_NEXT, "siglongjmp");
    real___longjmp_chk = (jump *)dlsym(RTLD_NEXT, "__longjmp_chk");
}
