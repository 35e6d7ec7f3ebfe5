// A library of 5,000 functions.
__asm__(".altmacro\n"
        ".macro define_function number\n"
        ".globl many_\\number\n.type many_\\number,@function\nmany_\\number:\npush %rbx\npop %rbx\nret\n"
        ".size many_\\number,.-many_\\number\n"
        ".endm\n"
        ".text\n.set count,0\n.rept 5000\ndefine_function %count\n.set count,count+1\n.endr\n");
