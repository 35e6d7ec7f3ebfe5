/* For programs that are sampled: computes until the file is there. The test makes it when a whole stack of this was seen: how long
 * the agent takes to read a program's files on a busy machine is no part of the test. */
#pragma once

#include <unistd.h>

#ifdef __cplusplus
extern "C"
#endif
__attribute__((noinline, noclone, visibility("default"))) void wait_for_go(const char* file) {
    volatile unsigned turns = 0;
    while (access(file, F_OK))
        for (unsigned i = 0; i < 200000; ++i) turns = turns + i * i;
}
