/* A thousand functions in its DWARF that all have one list of 4,096 ranges: four million together, from 90 kB. */
    .text
    .globl _start
_start:
    hlt
    .skip 0x10000

    .section .debug_abbrev, "", @progbits
abbreviations:
    .uleb128 1, 0x11            /* a compile unit: where its code is */
    .byte 1
    .uleb128 0x11, 0x01, 0x12, 0x07, 0, 0
    .uleb128 2, 0x2e            /* a function: its ranges */
    .byte 0
    .uleb128 0x55, 0x17, 0, 0
    .byte 0

    .section .debug_info, "", @progbits
    .long unit_end - unit
unit:
    .short 4
    .long abbreviations
    .byte 8
    .uleb128 1
    .quad _start, 0x10000
    .rept 1000
    .uleb128 2
    .long ranges
    .endr
    .byte 0
unit_end:

    .section .debug_ranges, "", @progbits
ranges:
    .set at, 0
    .rept 4096
    .quad at, at + 8
    .set at, at + 16
    .endr
    .quad 0, 0
