#include "agent/native/program_reader.hpp"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

namespace autotune::native {

namespace {

constexpr std::size_t kMostSymbols = 4'000'000;
constexpr std::size_t kLongestName = 4096;
constexpr std::uint64_t kUnsized = 4096;  // of the last function in a section, when its symbol does not say

struct CloseElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, CloseElf>;

std::string_view machine_name(unsigned machine) {
    switch (machine) {
        case EM_X86_64: return "x86-64";
        case EM_AARCH64: return "arm64";
        case EM_386: return "x86";
        case EM_ARM: return "ARM";
        case EM_RISCV: return "RISC-V";
        case EM_PPC64: return "POWER";
        case EM_S390: return "s390";
        default: return "another machine";
    }
}

unsigned own_machine() {
    switch (this_machine()) {
        case Machine::x86_64: return EM_X86_64;
        case Machine::arm64: return EM_AARCH64;
        case Machine::other: break;
    }
    return EM_NONE;
}

std::string hex(const unsigned char* bytes, std::size_t size) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += kDigits[bytes[i] >> 4];
        text += kDigits[bytes[i] & 15];
    }
    return text;
}

// What a program that throws, or lets others throw through it, defines or imports.
bool is_of_unwinding(std::string_view name) {
    static constexpr std::array<std::string_view, 6> kNames{
        "_Unwind_RaiseException", "_Unwind_Resume",    "__cxa_throw",
        "__gxx_personality_v0",   "__gcc_personality_v0", "rust_eh_personality"};
    return std::ranges::find(kNames, name) != kNames.end();
}

// What a program that has coroutines defines or imports.
bool is_of_coroutines(std::string_view name) {
    static constexpr std::array<std::string_view, 4> kNames{"swapcontext", "makecontext", "jump_fcontext",
                                                            "make_fcontext"};
    return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

class ProgramReader::Impl {
public:
    explicit Impl(ProgramFile& file) : file_(file) {}

    Status read() {
        elf_version(EV_CURRENT);
        const ElfHandle elf(elf_begin(file_.fd_.get(), ELF_C_READ, nullptr));
        if (!elf || elf_kind(elf.get()) != ELF_K_ELF)
            return fail(Errc::corrupt, file_.path_ + " is neither a program nor a library (not an ELF file)");
        if (auto machine = check_machine(elf.get()); !machine) return machine;
        read_segments(elf.get());
        read_sections(elf.get(), Symbols::take);
        if (!file_.full_table_) read_debug_file();
        finish();
        return ok();
    }

private:
    enum class Symbols { take, replace };

    Status check_machine(Elf* elf) const {
        GElf_Ehdr header;
        if (gelf_getehdr(elf, &header) == nullptr)
            return fail(Errc::corrupt, file_.path_ + ": its ELF header cannot be read");
        const bool is_wide = gelf_getclass(elf) == ELFCLASS64;
        if (header.e_machine != own_machine() || !is_wide)
            return fail(Errc::unsupported,
                        file_.path_ + " is a " + (is_wide ? "" : "32-bit ") + "program for " +
                            std::string(machine_name(header.e_machine)) + ", this is " +
                            std::string(machine_name(own_machine())));
        if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
            return fail(Errc::unsupported, file_.path_ + " is not linked: nothing of it can run");
        std::size_t size = 0;
        (void)elf_rawfile(elf, &size);
        if (header.e_shoff > size)
            return fail(Errc::corrupt, file_.path_ + " is cut: it ends before its list of sections");
        return ok();
    }

    void read_segments(Elf* elf) {
        std::size_t count = 0;
        if (elf_getphdrnum(elf, &count) != 0) return;
        for (std::size_t i = 0; i < std::min<std::size_t>(count, 1024); ++i) {
            GElf_Phdr header;
            if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) continue;
            if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0)
                file_.segments_.push_back({header.p_offset, header.p_vaddr, header.p_filesz});
        }
    }

    void read_sections(Elf* elf, Symbols how) {
        code_.clear();
        std::size_t names = 0;
        const bool has_names = elf_getshdrstrndx(elf, &names) == 0;
        Elf_Scn* section = nullptr;
        while ((section = elf_nextscn(elf, section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) == nullptr) continue;
            if ((header.sh_flags & SHF_EXECINSTR) != 0)
                code_[elf_ndxscn(section)] = {header.sh_addr, header.sh_addr + header.sh_size};
            const char* name = has_names ? elf_strptr(elf, names, header.sh_name) : nullptr;
            if (name == nullptr) continue;
            if (std::strcmp(name, ".go.buildinfo") == 0 || std::strcmp(name, ".gopclntab") == 0)
                file_.is_go_ = true;
            // What is to be done when an exception passes: a C library may have it without any such name.
            if (std::strcmp(name, ".gcc_except_table") == 0) file_.unwinds_ = true;
            if (std::strcmp(name, ".gnu_debuglink") == 0) read_debug_link(section);
        }
        while ((section = elf_nextscn(elf, section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) == nullptr) continue;
            const bool table = header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM;
            if (table && (how == Symbols::take || header.sh_type == SHT_SYMTAB))
                read_symbols(elf, section, header);
            if (header.sh_type == SHT_NOTE && how == Symbols::take) read_notes(section);
        }
    }

    void read_debug_link(Elf_Scn* section) {
        const Elf_Data* data = elf_getdata(section, nullptr);
        if (data == nullptr || data->d_buf == nullptr) return;
        const char* text = static_cast<const char*>(data->d_buf);
        link_.assign(text, strnlen(text, std::min<std::size_t>(data->d_size, 255)));
    }

    void read_notes(Elf_Scn* section) {
        Elf_Data* data = elf_getdata(section, nullptr);
        if (data == nullptr || data->d_buf == nullptr || !file_.build_id_.empty()) return;
        GElf_Nhdr note;
        std::size_t at = 0;
        std::size_t name = 0;
        std::size_t description = 0;
        const auto* bytes = static_cast<const unsigned char*>(data->d_buf);
        while ((at = gelf_getnote(data, at, &note, &name, &description)) > 0)
            if (note.n_namesz == 4 && std::memcmp(bytes + name, ELF_NOTE_GNU, 4) == 0 &&
                note.n_type == NT_GNU_BUILD_ID && note.n_descsz > 1 && note.n_descsz <= 64)
                file_.build_id_ = hex(bytes + description, note.n_descsz);
    }

    void read_symbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header) {
        Elf_Data* data = elf_getdata(section, nullptr);
        if (data == nullptr || header.sh_entsize == 0) return;
        const std::size_t count = std::min<std::size_t>(data->d_size / header.sh_entsize, kMostSymbols);
        for (std::size_t i = 0; i < count && file_.names_.size() < kMostSymbols; ++i) {
            GElf_Sym symbol;
            if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) continue;
            const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
            if (name != nullptr && name[0] != '\0') add(symbol, {name, strnlen(name, kLongestName)});
        }
        if (header.sh_type == SHT_SYMTAB && count > 1) file_.full_table_ = true;
    }

    void add(const GElf_Sym& symbol, std::string_view name) {
        name = name.substr(0, name.find('@'));  // a symbol's version
        if (is_of_unwinding(name)) file_.unwinds_ = true;
        if (is_of_coroutines(name)) file_.switches_stacks_ = true;
        if (symbol.st_value == 0 || symbol.st_shndx == SHN_UNDEF || name.empty()) return;
        const int type = GELF_ST_TYPE(symbol.st_info);
        if (type == STT_OBJECT) {
            file_.variables_.emplace_back(keep(name), ProgramVariable{symbol.st_value, symbol.st_size});
            return;
        }
        const auto section = code_.find(symbol.st_shndx);
        if (section == code_.end() || symbol.st_value < section->second.first ||
            symbol.st_value >= section->second.second)
            return;
        if (type == STT_GNU_IFUNC) {
            file_.resolvers_.push_back(keep(name));
            resolver_addresses_.push_back(symbol.st_value);
            return;
        }
        // Unsized symbols without a type are labels of assembly code: no function unless they are global.
        const bool global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL;
        if (type != STT_FUNC && !(type == STT_NOTYPE && global)) return;
        const std::uint32_t text = keep(name);
        file_.names_.push_back({symbol.st_value, text});
        candidates_.push_back({{symbol.st_value, symbol.st_size, text}, global, section->second.second});
    }

    std::uint32_t keep(std::string_view name) {
        const auto at = static_cast<std::uint32_t>(file_.text_->size());
        file_.text_->append(name).push_back('\0');
        return at;
    }

    // Debian's and Fedora's place by build id; beside the file by its link.
    void read_debug_file() {
        const std::string& id = file_.build_id_;
        const std::filesystem::path folder = std::filesystem::path(file_.path_).parent_path();
        std::vector<std::filesystem::path> places;
        if (id.size() > 4)
            places.emplace_back("/usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug");
        if (!link_.empty() && link_.find('/') == std::string::npos) {
            places.push_back(folder / link_);
            places.push_back(folder / ".debug" / link_);
        }
        const std::string own_id = id;
        for (const auto& place : places) {
            const Fd fd(open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
            const ElfHandle elf(fd ? elf_begin(fd.get(), ELF_C_READ, nullptr) : nullptr);
            if (!elf || elf_kind(elf.get()) != ELF_K_ELF || build_id_of(elf.get()) != own_id) continue;
            read_sections(elf.get(), Symbols::replace);
            file_.debug_path_ = place.string();
            return;
        }
    }

    std::string build_id_of(Elf* elf) {
        const std::string kept = std::exchange(file_.build_id_, {});
        Elf_Scn* section = nullptr;
        while ((section = elf_nextscn(elf, section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) != nullptr && header.sh_type == SHT_NOTE) read_notes(section);
        }
        std::string id = std::exchange(file_.build_id_, kept);
        return id;
    }

    struct Candidate {
        ProgramFile::Function function;
        bool global = false;
        std::uint64_t section_end = 0;
    };

    // Among names at one address the one that a person would say: global before local, sized before unsized,
    // then the shorter one.
    void finish() {
        const auto text = [&](const Candidate& c) { return file_.text_at(c.function.text); };
        std::ranges::sort(candidates_, [&](const Candidate& a, const Candidate& b) {
            if (a.function.address != b.function.address) return a.function.address < b.function.address;
            if (a.global != b.global) return a.global;
            if ((a.function.size > 0) != (b.function.size > 0)) return a.function.size > 0;
            return text(a).size() != text(b).size() ? text(a).size() < text(b).size() : text(a) < text(b);
        });
        std::ranges::sort(resolver_addresses_);
        for (const Candidate& c : candidates_) {
            if (std::ranges::binary_search(resolver_addresses_, c.function.address)) continue;
            if (file_.functions_.empty() || file_.functions_.back().address != c.function.address) {
                end_before(c.function.address);
                file_.functions_.push_back(c.function);
                section_end_ = c.section_end;
            } else if (file_.functions_.back().size == 0) {
                file_.functions_.back().size = c.function.size;
            }
        }
        end_before(section_end_);
        std::erase_if(file_.names_, [&](const ProgramFile::Name& n) {
            return std::ranges::binary_search(resolver_addresses_, n.address);
        });
        std::ranges::sort(file_.names_, {}, &ProgramFile::Name::address);
    }

    void end_before(std::uint64_t next) {
        if (file_.functions_.empty()) return;
        auto& last = file_.functions_.back();
        const std::uint64_t end = std::min(next, section_end_);
        if (last.size == 0) last.size = std::min(end > last.address ? end - last.address : 0, kUnsized);
        if (last.size > section_end_ - last.address) last.size = section_end_ - last.address;
    }

    ProgramFile& file_;
    std::map<std::size_t, std::pair<std::uint64_t, std::uint64_t>> code_;  // executable sections by index
    std::vector<Candidate> candidates_;
    std::vector<std::uint64_t> resolver_addresses_;
    std::uint64_t section_end_ = 0;
    std::string link_;
};

Status ProgramReader::fill(ProgramFile& file) { return Impl(file).read(); }

}  // namespace autotune::native
