#define _GNU_SOURCE
#include "runtimes/native/patch.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "runtimes/native/module_file.h"
#include "runtimes/native/stubs.h"

enum { CALL_BYTES = 5, PAGE = 4096, CALL = 0xe8, JUMP = 0xe9 };

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
static ElfW(Addr) function_at(const struct at_module_file *f, ElfW(Addr) nops_at) {
    enum { FARTHEST = 64 };
    const ElfW(Shdr) *table = at_module_section(f, NULL, SHT_SYMTAB);
    if (table == NULL || !at_module_has(f, table->sh_offset, table->sh_size)) return nops_at;
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
static unsigned char *near_gate(const struct dl_phdr_info *module, void (*to)(void)) {
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
        memcpy(gate, jump, sizeof jump);
        memcpy(gate + sizeof jump, &to, sizeof to);
        if (gate == wished && mprotect(gate, PAGE, PROT_READ | PROT_EXEC) == 0) return gate;
        munmap(gate, PAGE);
        return NULL;
    }
    return NULL;
}

/* `how`: CALL or JUMP. */
static const char *write_branch(unsigned char how, ElfW(Addr) place, const unsigned char *gate) {
    const ElfW(Addr) first = place & ~(ElfW(Addr))(PAGE - 1);
    const size_t bytes = ((place + CALL_BYTES - 1) & ~(ElfW(Addr))(PAGE - 1)) + PAGE - first;
    const long distance = (const char *)gate - (const char *)(place + CALL_BYTES);
    if (distance != (int)distance) return "its code is larger than a call reaches";
    /* Executable all the while: what does this may be on the same page. */
    if (mprotect((void *)first, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        return "its code may not be written (is memory denied that is written and executed?)";
    const int reach = (int)distance;
    memcpy((void *)(place + 1), &reach, sizeof reach);
    *(volatile unsigned char *)place = how;
    mprotect((void *)first, bytes, PROT_READ | PROT_EXEC);
    return NULL;
}

/* Modules that were looked at; of those beyond, again and again. */
static struct known {
    ElfW(Addr) base;
    unsigned char *gate;
    unsigned round;
} known[1024];
static unsigned known_count, round_now;

static struct known *find_known(ElfW(Addr) base) {
    for (unsigned i = 0; i < known_count; ++i)
        if (known[i].base == base) return &known[i];
    return NULL;
}

struct work {
    const struct dl_phdr_info *module;
    const struct at_module_file *file;
    unsigned char *gate;
    int only_count;
    unsigned long places;
    const char *why;
};

static void one_entry(ElfW(Addr) entry, void *data) {
    struct work *work = data;
    if (work->why != NULL || !is_code(work->module, entry)) return;
    const ElfW(Addr) place = place_of(function_at(work->file, entry));
    if (place == 0 || !is_code(work->module, place)) return;
    ++work->places;
    if (work->only_count) return;
    if (work->gate == NULL) work->gate = near_gate(work->module, at_native_entry);
    work->why = work->gate == NULL ? "there is no memory near its code" : write_branch(CALL, place, work->gate);
}

static int one_module(struct dl_phdr_info *module, size_t size, void *data) {
    (void)size;
    struct work *work = data;
    struct at_module_file f;
    struct known *seen = find_known(module->dlpi_addr);
    if (seen != NULL) seen->round = round_now;
    const int is_file = module->dlpi_name[0] == '\0' || strchr(module->dlpi_name, '/') != NULL; /* the vdso is none */
    if (seen != NULL || work->why != NULL || !is_file || !at_module_open(&f, module)) return 0;
    work->module = module;
    work->file = &f;
    work->gate = NULL;
    const unsigned long before = work->places;
    at_module_entries(&f, one_entry, work);
    at_module_close(&f);
    const int is_done = !work->only_count || work->places == before;
    if (is_done && known_count < sizeof known / sizeof known[0])
        known[known_count++] = (struct known){module->dlpi_addr, work->gate, round_now};
    return 0;
}

/* Another module may be where one was that has been unloaded. */
static void forget_unloaded(void) {
    for (unsigned i = 0; i < known_count;) {
        if (known[i].round == round_now) {
            ++i;
            continue;
        }
        if (known[i].gate != NULL) munmap(known[i].gate, PAGE);
        known[i] = known[--known_count];
    }
}

static struct work look(int only_count) {
    struct work work = {.only_count = only_count};
    ++round_now;
    dl_iterate_phdr(one_module, &work);
    if (work.why == NULL) forget_unloaded();
    return work;
}

unsigned long at_patch_count(void) { return look(1).places; }

const char *at_patch_new(void) { return look(0).why; }

/* --- the dynamic linker ------------------------------------------------------------------------------------- */

static int is_here(struct dl_phdr_info *module, size_t size, void *data) {
    (void)size;
    void (**hook)(void) = data;
    const ElfW(Addr) function = _r_debug.r_brk;
    if (!is_code(module, function)) return 0;
    static const unsigned char endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    const unsigned char *at = (const void *)function;
    if (memcmp(at, endbr64, sizeof endbr64) == 0) at += sizeof endbr64;
    /* Nothing but a return, and room behind it that nobody comes to. */
    if (at[0] != 0xc3 || nops(at + 1, CALL_BYTES - 1) < CALL_BYTES - 1) return 1;
    unsigned char *gate = near_gate(module, *hook);
    if (gate != NULL) write_branch(JUMP, (ElfW(Addr))at, gate);
    return 1;
}

void at_patch_loader(void (*hook)(void)) { dl_iterate_phdr(is_here, &hook); }
