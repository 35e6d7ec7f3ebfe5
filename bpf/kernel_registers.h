/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A thread's registers as the kernel keeps them, and where a call has what it is given and what it gives back: by architecture. */
#ifndef AUTOTUNE_BPF_KERNEL_REGISTERS_H
#define AUTOTUNE_BPF_KERNEL_REGISTERS_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
    unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, sp;
};
#define AT_ARG0(regs) ((regs)->di)
#define AT_ARG1(regs) ((regs)->si)
#define AT_ARG2(regs) ((regs)->dx)
#define AT_ARG3(regs) ((regs)->r10)
#define AT_ARG4(regs) ((regs)->r8)
#define AT_ARG5(regs) ((regs)->r9)
#define AT_NUMBER(regs) ((long)(regs)->orig_ax)
/* Of a function, where that is not a system call's: */
#define AT_FUNCTION_ARG3(regs) ((regs)->cx)
#define AT_RESULT(regs) ((regs)->ax)
#define AT_STACK(regs) ((regs)->sp)
#define AT_RETURN_SLOT 8 /* a return takes its address off the stack */
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
    __u64 orig_x0;
    __u64 regs[31];
    __u64 sp;
    __s32 syscallno;
};
#define AT_ARG0(regs) ((regs)->orig_x0)
#define AT_ARG1(regs) ((regs)->regs[1])
#define AT_ARG2(regs) ((regs)->regs[2])
#define AT_ARG3(regs) ((regs)->regs[3])
#define AT_ARG4(regs) ((regs)->regs[4])
#define AT_ARG5(regs) ((regs)->regs[5])
#define AT_NUMBER(regs) ((long)(regs)->syscallno)
#define AT_FUNCTION_ARG3(regs) ((regs)->regs[3])
#define AT_RESULT(regs) ((regs)->regs[0])
#define AT_STACK(regs) ((regs)->sp)
#define AT_RETURN_SLOT 0
#else
#error "no system call arguments known for this architecture"
#endif

#pragma clang attribute pop

#endif
