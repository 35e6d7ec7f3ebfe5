#define _GNU_SOURCE
#include "runtimes/native/module_file.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "runtimes/ring.h"
#include "runtimes/ring_file.h"
#include "runtimes/ring_system.h"

enum { PAGE = 4096 };

static int open_quietly(const char *path) {
    const long fd = at_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    return at_failed(fd) ? -1 : (int)fd;
}

/* By a name that no program uses: by it, whoever traces the process tells our reading from the program's. */
static int open_as_ours(const char *name) {
    if (name[0] == '\0') return open_quietly(AT_OWN_READS "/exe");
    const char *from = name[0] == '/' ? AT_OWN_READS "/root" : AT_OWN_READS "/cwd/";
    const size_t before = strlen(from), bytes = strlen(name) + 1;
    char path[PAGE];
    if (before + bytes <= sizeof path) {
        memcpy(path, from, before);
        memcpy(path + before, name, bytes);
        const int fd = open_quietly(path);
        if (fd >= 0) return fd;
    }
    return open_quietly(name); /* without /proc */
}

int at_module_open(struct at_module_file *f, const struct dl_phdr_info *module) {
    struct stat s;
    const int fd = open_as_ours(module->dlpi_name);
    if (fd < 0) return 0;
    f->base = module->dlpi_addr;
    f->size = fstat(fd, &s) == 0 && s.st_size > 0 ? (size_t)s.st_size : 0;
    void *mapped = f->size != 0 ? mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    f->bytes = mapped;
    return mapped != MAP_FAILED;
}

int at_module_has(const struct at_module_file *f, ElfW(Off) offset, ElfW(Xword) bytes) {
    return offset <= f->size && bytes <= f->size - offset;
}

/* Null: the file has none, or is not what its header says. */
static const ElfW(Shdr) *sections(const struct at_module_file *f, unsigned *count) {
    const ElfW(Ehdr) *e = (const void *)f->bytes;
    if (f->size < sizeof *e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_shentsize != sizeof(ElfW(Shdr)) ||
        e->e_shoff % 8 != 0 || !at_module_has(f, e->e_shoff, (ElfW(Xword))e->e_shnum * sizeof(ElfW(Shdr))) ||
        e->e_shstrndx >= e->e_shnum)
        return NULL;
    *count = e->e_shnum;
    return (const void *)(f->bytes + e->e_shoff);
}

const ElfW(Shdr) *at_module_section(const struct at_module_file *f, const char *name, ElfW(Word) type) {
    unsigned count;
    const ElfW(Shdr) *all = sections(f, &count);
    if (all == NULL) return NULL;
    const ElfW(Shdr) *names = &all[((const ElfW(Ehdr) *)f->bytes)->e_shstrndx];
    for (unsigned i = 0; i < count; ++i) {
        if (type != SHT_NULL && all[i].sh_type != type) continue;
        if (name == NULL) return &all[i];
        if (all[i].sh_name < names->sh_size && at_module_has(f, names->sh_offset, names->sh_size) &&
            strncmp((const char *)f->bytes + names->sh_offset + all[i].sh_name, name,
                    names->sh_size - all[i].sh_name) == 0)
            return &all[i];
    }
    return NULL;
}

void at_module_close(struct at_module_file *f) { munmap((void *)f->bytes, f->size); }

/* The value of each word is in the file (a program at a fixed address; relative relocations that are packed), or in its
 * relocation. */
void at_module_entries(const struct at_module_file *f, void (*tell)(ElfW(Addr), void *), void *data) {
    const ElfW(Shdr) *list = at_module_section(f, "__patchable_function_entries", SHT_NULL);
    unsigned count = 0;
    const ElfW(Shdr) *all = sections(f, &count);
    if (list == NULL || (list->sh_flags & SHF_ALLOC) == 0 || list->sh_type == SHT_NOBITS) return;
    if (!at_module_has(f, list->sh_offset, list->sh_size)) return;
    const ElfW(Addr) *words = (const void *)(f->bytes + list->sh_offset);
    for (size_t i = 0; i < list->sh_size / sizeof *words; ++i)
        if (words[i] != 0) tell(f->base + words[i], data);
    for (unsigned s = 0; s < count; ++s) {
        if (all[s].sh_type != SHT_RELA || (all[s].sh_flags & SHF_ALLOC) == 0) continue;
        if (!at_module_has(f, all[s].sh_offset, all[s].sh_size)) continue;
        const ElfW(Rela) *r = (const void *)(f->bytes + all[s].sh_offset);
        for (size_t i = 0; i < all[s].sh_size / sizeof *r; ++i) {
            const ElfW(Addr) in_list = r[i].r_offset - list->sh_addr;
            if (ELF64_R_TYPE(r[i].r_info) == R_X86_64_RELATIVE && in_list < list->sh_size &&
                words[in_list / sizeof *words] == 0)
                tell(f->base + (ElfW(Addr))r[i].r_addend, data);
        }
    }
}
