#include "agent/symbols/tracing_build.hpp"

#include <elf.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxSegments = 1024;
constexpr std::size_t kMaxSymbols = 4'000'000;

struct CloseElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, CloseElf>;

bool is(const char* text, const char* wanted) { return text != nullptr && std::strcmp(text, wanted) == 0; }

bool has_linker(Elf* elf) {
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) return false;
    for (std::size_t i = 0; i < std::min(count, kMaxSegments); ++i) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, static_cast<int>(i), &header) != nullptr && header.p_type == PT_INTERP) return true;
    }
    return false;
}

// Wanted: what it calls. Defined: a static program has the C library's own empty one.
bool names_hook(Elf* elf, Elf_Scn* section, const GElf_Shdr& header) {
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr || header.sh_entsize == 0) return false;
    const std::size_t count = std::min<std::size_t>(data->d_size / header.sh_entsize, kMaxSymbols);
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Sym symbol;
        if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) continue;
        if (is(elf_strptr(elf, header.sh_link, symbol.st_name), "__cyg_profile_func_enter")) return true;
    }
    return false;
}

Result<TracingBuild> read(Elf* elf) {
    if (elf == nullptr || elf_kind(elf) != ELF_K_ELF) return fail(Errc::corrupt, "not an ELF file");
    GElf_Ehdr file;
    if (gelf_getehdr(elf, &file) == nullptr) return fail(Errc::corrupt, "an ELF file without a header");
    TracingBuild build{.is_static = file.e_type != ET_REL && !has_linker(elf)};
    std::size_t names = 0;
    (void)elf_getshdrstrndx(elf, &names);
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr) continue;
        build.patchable |= header.sh_size > 0 && is(elf_strptr(elf, names, header.sh_name), "__patchable_function_entries");
        const bool symbols = header.sh_type == SHT_DYNSYM || (build.is_static && header.sh_type == SHT_SYMTAB);
        build.hooks |= symbols && names_hook(elf, section, header);
    }
    return build;
}

}  // namespace

Result<TracingBuild> tracing_build(int fd) {
    elf_version(EV_CURRENT);
    return read(ElfHandle(elf_begin(fd, ELF_C_READ, nullptr)).get());
}

Result<TracingBuild> tracing_build(std::string_view bytes) {
    elf_version(EV_CURRENT);
    std::string copy(bytes);  // libelf may write to it
    return read(ElfHandle(elf_memory(copy.data(), copy.size())).get());
}

}  // namespace autotune::symbols
