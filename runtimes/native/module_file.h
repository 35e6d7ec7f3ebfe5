/* module_file: the ELF file that a module was loaded from, and where its functions have room for a call.
 *
 * The file and not memory: it can be read before the dynamic linker has relocated the module, and has symbols. By system
 * calls alone where the C library's would be points at which a thread may be cancelled. */
#ifndef AUTOTUNE_RUNTIMES_NATIVE_MODULE_FILE_H
#define AUTOTUNE_RUNTIMES_NATIVE_MODULE_FILE_H

#include <link.h>
#include <stddef.h>

struct at_module_file {
    const unsigned char *bytes;
    size_t size;
    ElfW(Addr) base; /* where it is in memory */
};

/* 0: it cannot be read. */
int at_module_open(struct at_module_file *file, const struct dl_phdr_info *module);
void at_module_close(struct at_module_file *file);

/* Null: there is no such section, or the file is not what its header says. Any name: null; any type: SHT_NULL. */
const ElfW(Shdr) *at_module_section(const struct at_module_file *file, const char *name, ElfW(Word) type);
int at_module_has(const struct at_module_file *file, ElfW(Off) offset, ElfW(Xword) bytes);

/* Calls `tell` for each address in __patchable_function_entries. */
void at_module_entries(const struct at_module_file *file, void (*tell)(ElfW(Addr) entry, void *data), void *data);

#endif
