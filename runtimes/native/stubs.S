/* What patched functions go through on x86-64. All general registers come back as they were, also those that a call may
 * change: the compiler knows which ones a function of the same file leaves alone (-fipa-ra). Vector registers are not
 * touched. */
#include "runtimes/native/stubs.h"

#define DISTANCE AT_STUBS_BYTES /* from a stub to its entry in at_native_returns */

.macro save register
    push %\register
    .cfi_adjust_cfa_offset 8
.endm
.macro restore register
    pop %\register
    .cfi_adjust_cfa_offset -8
.endm
.macro save_all
    save rax
    save rdi
    save rsi
    save rdx
    save rcx
    save r8
    save r9
    save r10
    save r11
.endm
.macro restore_all
    restore r11
    restore r10
    restore r9
    restore r8
    restore rcx
    restore rdx
    restore rsi
    restore rdi
    restore rax
.endm

    .text
    .hidden at_native_entered, at_native_left
    .globl at_native_entry, at_native_return, at_native_trial, at_native_trial_bare
    .hidden at_native_entry, at_native_return, at_native_trial, at_native_trial_bare

/* Called by a function's first instruction. On the stack: where the function goes on, where it returns to. */
    .type at_native_entry, @function
at_native_entry:
    .cfi_startproc
    .cfi_def_cfa_offset 16
    save_all
    push %r11 /* for the alignment */
    .cfi_adjust_cfa_offset 8
    lea 88(%rsp), %rdi
    mov 80(%rsp), %rsi
    call at_native_entered
    pop %r11
    .cfi_adjust_cfa_offset -8
    restore_all
    ret
    .cfi_endproc
    .size at_native_entry, . - at_native_entry

/* A stub was returned to. On the stack: the number of its group, its number there, where the function's return address
 * was. No call led here and no return leads on: the processor foretells returns by counting both. */
    .type at_native_return, @function
at_native_return:
    .cfi_startproc
    .cfi_def_cfa_offset 16
    save_all
    push %r11 /* for the alignment */
    .cfi_adjust_cfa_offset 8
    mov 80(%rsp), %rdi
    movzbl 88(%rsp), %esi
    call at_native_left
    mov %rax, 88(%rsp)
    pop %r11
    .cfi_adjust_cfa_offset -8
    restore_all
    lea 16(%rsp), %rsp
    .cfi_adjust_cfa_offset -16
    jmp *-8(%rsp) /* no signal's handler writes there: it is in the red zone */
    .cfi_endproc
    .size at_native_return, . - at_native_return

    .type at_native_trial, @function
at_native_trial:
    .cfi_startproc
    call at_native_entry
    ret
    .cfi_endproc
    .size at_native_trial, . - at_native_trial

    .type at_native_trial_bare, @function
at_native_trial_bare:
    .cfi_startproc
    ret
    .cfi_endproc
    .size at_native_trial_bare, . - at_native_trial_bare

/* A group of stubs. Each pushes its number; their common end pushes the group's, and goes where the group's table says
 * (its last two words). The same bytes work wherever a group and its table are. */
    .globl at_native_template
    .hidden at_native_template
    .balign 16
at_native_template:
    .set number, 0
    .rept AT_GROUP - 2
    .byte 0x6a, number     /* push */
    .byte 0xe9             /* jmp */
    .long end_of_group - . - 4
    .byte 0xcc
    .set number, number + 1
    .endr
end_of_group:
    push (DISTANCE - 6)(%rip)
    jmp *(DISTANCE - 12 + 8)(%rip)
    .byte 0xcc, 0xcc, 0xcc, 0xcc
    .if . - at_native_template - AT_GROUP_BYTES
    .error "a group of stubs has another size"
    .endif

    .bss
    .globl at_native_stubs, at_native_returns
    .hidden at_native_stubs, at_native_returns
    .balign 4096
at_native_stubs:
    .skip AT_STUBS_BYTES
at_native_returns:
    .skip AT_STUBS_BYTES

/* How to unwind out of a stub that a function is about to return to: nothing is on the stack, and where the function
 * returns to in truth is DISTANCE behind the stub. So exceptions, pthread_exit and debuggers pass as if nobody were
 * here. DW_OP_breg16 is the return address that led here, which is the stub's. The frame's address is eight bytes off:
 * the unwinder of GCC tells frames by it, and the function's own has what would be right. */
    .section .eh_frame, "a", @progbits
.Lcie:
    .long .Lcie_end - .Lcie_id
.Lcie_id:
    .long 0
    .byte 1
    .string "zR"
    .uleb128 1
    .sleb128 -8
    .uleb128 16
    .uleb128 1
    .byte 0x1b             /* addresses: relative, four bytes */
    .byte 0x0c, 7, 8       /* DW_CFA_def_cfa: rsp + 8 */
    .byte 0x14, 7, 1       /* DW_CFA_val_offset: rsp was eight less */
    .balign 8, 0
.Lcie_end:
    .long .Lfde_end - .Lfde_id
.Lfde_id:
    .long .Lfde_id - .Lcie
    .long at_native_stubs - .
    .long AT_STUBS_BYTES
    .uleb128 0
    .byte 0x10, 16         /* DW_CFA_expression: the return address is at … */
    .uleb128 .Lexpression_end - .Lexpression
.Lexpression:
    .byte 0x80             /* DW_OP_breg16 */
    .sleb128 DISTANCE
.Lexpression_end:
    .balign 8, 0
.Lfde_end:

    .section .note.GNU-stack, "", @progbits
