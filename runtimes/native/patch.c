#define _GNU_SOURCE
#include "runtimes/native/patch.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtimes/native/stubs.h"
#include "runtimes/ring.h"

enum { CALL_BYTES = 5, PAGE = 4096 };

/* A module's file, and where it is in memory. */
struct file {
    const unsigned char *bytes;
    size_t size;
    ElfW(Addr) base;
};

/* --- the file ---------------------------------------------------------------------------------------- */

/* By a name that no program uses: by it, whoever traces the process tells our reading from the program's. */
static int open_as_ours(const char *name) {
    if (name[0] == '\0') return open(AT_OWN_READS "/exe", O_RDONLY | O_CLOEXEC);
    const char *from = name[0] == '/' ? AT_OWN_READS "/root" : AT_OWN_READS "/cwd/";
    const size_t before = strlen(from), bytes = strlen(name) + 1;
    char path[PAGE];
    if (before + bytes <= sizeof path) {
        memcpy(path, from, before);
        memcpy(path + before, name, bytes);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) return fd;
    }
    return open(name, O_RDONLY | O_CLOEXEC); /* without /proc */
}

static int open_file(struct file *f, const struct dl_phdr_info *module) {
    struct stat s;
    const int fd = open_as_ours(module->dlpi_name);
    if (fd < 0) return 0;
    f->base = module->dlpi_addr;
    f->size = fstat(fd, &s) == 0 && s.st_size > 0 ? (size_t)s.st_size : 0;
    void *mapped = f->size != 0 ? mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    f->bytes = mapped;
    return mapped != MAP_FAILED;
}

static int has(const struct file *f, ElfW(Off) offset, ElfW(Xword) bytes) {
    return offset <= f->size && bytes <= f->size - offset;
}

/* Null: the file has none, or is not what its header says. */
static const ElfW(Shdr) *sections(const struct file *f, unsigned *count) {
    const ElfW(Ehdr) *e = (const void *)f->bytes;
    if (f->size < sizeof *e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_shentsize != sizeof(ElfW(Shdr)) ||
        e->e_shoff % 8 != 0 || !has(f, e->e_shoff, (ElfW(Xword))e->e_shnum * sizeof(ElfW(Shdr))) ||
        e->e_shstrndx >= e->e_shnum)
        return NULL;
    *count = e->e_shnum;
    return (const void *)(f->bytes + e->e_shoff);
}

static const ElfW(Shdr) *section(const struct file *f, const char *name, ElfW(Word) type) {
    unsigned count;
    const ElfW(Shdr) *all = sections(f, &count);
    if (all == NULL) return NULL;
    const ElfW(Shdr) *names = &all[((const ElfW(Ehdr) *)f->bytes)->e_shstrndx];
    for (unsigned i = 0; i < count; ++i) {
        if (type != SHT_NULL && all[i].sh_type != type) continue;
        if (name == NULL) return &all[i];
        if (all[i].sh_name < names->sh_size && has(f, names->sh_offset, names->sh_size) &&
            strncmp((const char *)f->bytes + names->sh_offset + all[i].sh_name, name,
                    names->sh_size - all[i].sh_name) == 0)
            return &all[i];
    }
    return NULL;
}

/* --- where to patch ------------------------------------------------------------------------------------- */

/* Bytes of the one instruction at `at` that does nothing; 0: it does something. NOP is 90 or 0F 1F /0, before it
 * prefixes without a meaning (Intel's manual, volume 2, NOP; compilers choose any operand). */
static unsigned nop(const unsigned char *at) {
    unsigned n = 0;
    while (n < 6 && (at[n] == 0x66 || at[n] == 0x2e)) ++n;
    if (at[n] == 0x90) return n + 1;
    if (at[n] != 0x0f || at[n + 1] != 0x1f) return 0;
    const unsigned mode = at[n + 2] >> 6, operand = at[n + 2] & 7;
    n += 3;
    const unsigned has_base = mode != 3 && operand == 4;
    const unsigned base = has_base ? at[n] & 7 : operand;
    const unsigned displacement = mode == 1 ? 1 : mode == 2 || (mode == 0 && base == 5) ? 4 : 0;
    return n + has_base + displacement;
}

static unsigned nops(const unsigned char *at, unsigned enough) {
    unsigned bytes = 0;
    for (unsigned one; bytes < enough && (one = nop(at + bytes)) != 0;) bytes += one;
    return bytes;
}

/* Some of the nops may be in front of the function (N,M): the function begins at a symbol then. */
static ElfW(Addr) function_at(const struct file *f, ElfW(Addr) nops_at) {
    enum { FARTHEST = 64 };
    const ElfW(Shdr) *table = section(f, NULL, SHT_SYMTAB);
    if (table == NULL || !has(f, table->sh_offset, table->sh_size)) return nops_at;
    const ElfW(Sym) *symbols = (const void *)(f->bytes + table->sh_offset);
    ElfW(Addr) nearest = nops_at + FARTHEST;
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; ++i) {
        const ElfW(Addr) at = f->base + symbols[i].st_value;
        if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && at >= nops_at && at < nearest) nearest = at;
    }
    const unsigned before = (unsigned)(nearest - nops_at);
    return before < FARTHEST && nops((const void *)nops_at, before) == before ? nearest : nops_at;
}

/* Where the call goes; 0: there is no room for one. */
static ElfW(Addr) place_of(ElfW(Addr) function) {
    static const unsigned char endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    if (memcmp((const void *)function, endbr64, sizeof endbr64) == 0) function += sizeof endbr64;
    return nops((const void *)function, CALL_BYTES) >= CALL_BYTES ? function : 0;
}

static int is_code(const struct dl_phdr_info *module, ElfW(Addr) at) {
    for (unsigned i = 0; i < module->dlpi_phnum; ++i) {
        const ElfW(Phdr) *p = &module->dlpi_phdr[i];
        const ElfW(Addr) start = module->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) != 0 && at >= start && at + 16 < start + p->p_memsz) return 1;
    }
    return 0;
}

/* --- patching --------------------------------------------------------------------------------------------- */

/* Code that a call of four bytes' reach leads to, and that goes on to ours: below the module, where no heap grows. */
static unsigned char *near_gate(const struct dl_phdr_info *module) {
    ElfW(Addr) lowest = ~(ElfW(Addr))0;
    for (unsigned i = 0; i < module->dlpi_phnum; ++i)
        if (module->dlpi_phdr[i].p_type == PT_LOAD && module->dlpi_addr + module->dlpi_phdr[i].p_vaddr < lowest)
            lowest = module->dlpi_addr + module->dlpi_phdr[i].p_vaddr;
    lowest &= ~(ElfW(Addr))(PAGE - 1);
    for (ElfW(Addr) below = PAGE; below < (1ul << 30) && below + 65536 < lowest; below += 16 * PAGE) {
        void *wished = (void *)(lowest - below);
        unsigned char *gate = mmap(wished, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                                   -1, 0);
        if (gate == MAP_FAILED) continue;
        static const unsigned char jump[6] = {0xff, 0x25, 0, 0, 0, 0}; /* to where the next eight bytes say */
        void (*const to)(void) = at_native_entry;
        memcpy(gate, jump, sizeof jump);
        memcpy(gate + sizeof jump, &to, sizeof to);
        if (gate == wished && mprotect(gate, PAGE, PROT_READ | PROT_EXEC) == 0) return gate;
        munmap(gate, PAGE);
        return NULL;
    }
    return NULL;
}

static const char *write_call(ElfW(Addr) place, const unsigned char *gate) {
    const ElfW(Addr) first = place & ~(ElfW(Addr))(PAGE - 1);
    const size_t bytes = ((place + CALL_BYTES - 1) & ~(ElfW(Addr))(PAGE - 1)) + PAGE - first;
    const long distance = (const char *)gate - (const char *)(place + CALL_BYTES);
    if (distance != (int)distance) return "its code is larger than a call reaches";
    /* Executable all the while: what does this may be on the same page. */
    if (mprotect((void *)first, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        return "its code may not be written (is memory denied that is written and executed?)";
    const int reach = (int)distance;
    memcpy((void *)(place + 1), &reach, sizeof reach);
    *(volatile unsigned char *)place = 0xe8;
    mprotect((void *)first, bytes, PROT_READ | PROT_EXEC);
    return NULL;
}

struct work {
    int only_count;
    unsigned long places;
    const char *why;
};

static void patch_module(const struct dl_phdr_info *module, struct work *work, const ElfW(Addr) *entries, size_t count,
                         const struct file *f) {
    unsigned char *gate = NULL;
    for (size_t i = 0; i < count; ++i) {
        if (!is_code(module, entries[i])) continue;
        const ElfW(Addr) place = place_of(function_at(f, entries[i]));
        if (place == 0 || !is_code(module, place)) continue;
        ++work->places;
        if (work->only_count) continue;
        if (gate == NULL && (gate = near_gate(module)) == NULL) work->why = "there is no memory near its code";
        if (work->why == NULL) work->why = write_call(place, gate);
        if (work->why != NULL) return;
    }
}

static int one_module(struct dl_phdr_info *module, size_t size, void *data) {
    (void)size;
    struct work *work = data;
    struct file f;
    const int is_file = module->dlpi_name[0] == '\0' || strchr(module->dlpi_name, '/') != NULL; /* the vdso is none */
    if (work->why != NULL || !is_file || !open_file(&f, module)) return 0;
    /* The linker makes one of all of a program's; it is in memory, relocated. */
    const ElfW(Shdr) *list = section(&f, "__patchable_function_entries", SHT_NULL);
    if (list != NULL && (list->sh_flags & SHF_ALLOC) != 0)
        patch_module(module, work, (const void *)(f.base + list->sh_addr), list->sh_size / sizeof(ElfW(Addr)), &f);
    munmap((void *)f.bytes, f.size);
    return 0;
}

unsigned long at_patch_count(void) {
    struct work work = {.only_count = 1};
    dl_iterate_phdr(one_module, &work);
    return work.places;
}

const char *at_patch_all(void) {
    struct work work = {.only_count = 0};
    dl_iterate_phdr(one_module, &work);
    return work.why;
}
