#include "agent/symbols/elf_image.hpp"

#include <elf.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "agent/symbols/xz.hpp"

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxSymbols = 1'000'000;
constexpr std::size_t kMaxText = 32u << 20;  // of all names; the last ones stay out
constexpr std::size_t kMaxNameLength = 4096;
constexpr std::size_t kMaxObjects = 64;      // of a few names, in a few tables
constexpr std::uint64_t kMaxRead = 256u << 20;  // of all sections: libelf copies whole what it is asked for
constexpr std::uint64_t kMaxNotes = 1u << 20;   // of one segment

struct CloseElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, CloseElf>;

Unexpected corrupt(std::string_view what) {
    const char* why = elf_errmsg(-1);
    return fail(Errc::corrupt, std::string(what) + (why != nullptr ? std::string(": ") + why : ""));
}

// Data that the agent finds interpreters by, and its own library in them; all else that is no function is left out.
bool is_wanted_object(std::string_view name) {
    return name == "_PyRuntime" || name == "PyCode_Type" || name == "Py_Version" || name == "autotune_python_state";
}

// Among symbols at one address the one that a person would name: sized before unsized, global before
// local, then the shorter name with fewer leading underscores.
struct Candidate {
    ElfSymbol symbol{};
    bool sized = false;
    bool global = false;
};

std::string hex(const unsigned char* bytes, std::size_t size) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += kDigits[bytes[i] >> 4];
        text += kDigits[bytes[i] & 15];
    }
    return text;
}

}  // namespace

class ElfReader {
public:
    static Result<ElfImage> read(Elf* elf) {
        if (elf == nullptr) return corrupt("opening an ELF file");
        if (elf_kind(elf) != ELF_K_ELF) return fail(Errc::corrupt, "not an ELF file");
        ElfReader reader(elf);
        reader.read_segments();
        reader.read_sections();
        reader.read_debug_data();
        reader.finish();
        return std::move(reader.image_);
    }

    static std::string build_id(Elf* elf) {
        if (elf == nullptr || elf_kind(elf) != ELF_K_ELF) return {};
        ElfReader reader(elf);
        reader.read_segments();
        Elf_Scn* section = nullptr;
        while (reader.image_.build_id_.empty() && (section = elf_nextscn(elf, section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) != nullptr && header.sh_type == SHT_NOTE && reader.may_read(section))
                reader.read_notes(elf_getdata(section, nullptr));
        }
        return std::move(reader.image_.build_id_);
    }

private:
    explicit ElfReader(Elf* elf) : elf_(elf) {}

    void read_segments() {
        std::size_t count = 0;
        if (elf_getphdrnum(elf_, &count) != 0) return;
        for (std::size_t i = 0; i < std::min<std::size_t>(count, 1024); ++i) {
            GElf_Phdr header;
            if (gelf_getphdr(elf_, static_cast<int>(i), &header) == nullptr) continue;
            if (header.p_type == PT_LOAD)
                image_.segments_.push_back(
                    {header.p_offset, header.p_vaddr, header.p_filesz, (header.p_flags & PF_X) != 0});
            if (header.p_type == PT_NOTE)
                read_notes(elf_getdata_rawchunk(elf_, static_cast<std::int64_t>(header.p_offset),
                                                std::min<std::uint64_t>(header.p_filesz, kMaxNotes), ELF_T_NHDR));
        }
    }

    void read_sections() {
        Elf_Scn* section = nullptr;
        while ((section = elf_nextscn(elf_, section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) == nullptr) continue;
            if ((header.sh_flags & SHF_EXECINSTR) != 0)
                code_[elf_ndxscn(section)] = header.sh_addr + header.sh_size;
        }
        std::size_t names = 0;
        (void)elf_getshdrstrndx(elf_, &names);
        while ((section = elf_nextscn(elf_, section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) == nullptr) continue;
            if (header.sh_type == SHT_PROGBITS && header.sh_size > 0)
                read_named(section, may_read(elf_getscn(elf_, names)) ? elf_strptr(elf_, names, header.sh_name) : nullptr);
            if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) read_symbols(section, header);
            if (header.sh_type == SHT_NOTE && may_read(section)) read_notes(elf_getdata(section, nullptr));
        }
    }

    // To be asked before libelf is asked for its bytes. Headers may say anything, and many of them the same bytes.
    bool may_read(Elf_Scn* section) {
        GElf_Shdr header;
        if (section == nullptr || gelf_getshdr(section, &header) == nullptr) return false;
        const auto [known, is_new] = may_read_.try_emplace(elf_ndxscn(section), false);
        if (!is_new) return known->second;
        if (header.sh_size > kMaxRead - read_) {
            image_.cut_ = true;
            return false;
        }
        read_ += header.sh_size;
        return known->second = true;
    }

    void read_named(Elf_Scn* section, const char* raw) {
        const std::string_view name = raw != nullptr ? raw : "";
        if (name == ".debug_info") image_.dwarf_ = true;
        if (name == ".gnu_debugdata") debug_data_ = section;
        if (name == ".gnu_debuglink") image_.debug_link_ = parse_debug_link(bytes_of(section));
    }

    std::string_view bytes_of(Elf_Scn* section) {
        if (!may_read(section)) return {};
        const Elf_Data* data = elf_rawdata(section, nullptr);
        if (data == nullptr || data->d_buf == nullptr) return {};
        return {static_cast<const char*>(data->d_buf), data->d_size};
    }

    // An ELF file of its own, with the functions that .dynsym leaves out; Fedora's way to strip.
    void read_debug_data() {
        if (debug_data_ == nullptr || image_.full_table_) return;
        auto inner = unxz(bytes_of(debug_data_));
        if (!inner) return;
        const ElfHandle elf(elf_memory(inner->data(), inner->size()));
        if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF) return;
        ElfReader reader(elf.get());
        reader.read_sections();
        const auto shift = static_cast<std::uint32_t>(image_.text_.size());
        image_.text_ += reader.image_.text_;
        for (Candidate c : reader.found_) {
            if (found_.size() == kMaxSymbols) break;
            c.symbol.name += shift;
            found_.push_back(c);
        }
    }

    void read_notes(Elf_Data* data) {
        if (data == nullptr || data->d_buf == nullptr || !image_.build_id_.empty()) return;
        GElf_Nhdr note;
        std::size_t at = 0;
        std::size_t name = 0;
        std::size_t description = 0;
        while ((at = gelf_getnote(data, at, &note, &name, &description)) > 0) {
            const auto* bytes = static_cast<const unsigned char*>(data->d_buf);
            const bool gnu = note.n_namesz == 4 && std::memcmp(bytes + name, ELF_NOTE_GNU, 4) == 0;
            if (gnu && note.n_type == NT_GNU_BUILD_ID && note.n_descsz > 0 && note.n_descsz <= 64) {
                image_.build_id_ = hex(bytes + description, note.n_descsz);
                return;
            }
        }
    }

    void read_symbols(Elf_Scn* section, const GElf_Shdr& header) {
        if (header.sh_entsize == 0 || !may_read(section) || !may_read(elf_getscn(elf_, header.sh_link))) return;
        Elf_Data* data = elf_getdata(section, nullptr);
        if (data == nullptr) return;
        const std::size_t count = std::min<std::size_t>(data->d_size / header.sh_entsize, kMaxSymbols);
        // Growing by doubling would take twice as much for a moment, and a large program's names are what we have most of.
        GElf_Shdr names;
        if (Elf_Scn* strings = elf_getscn(elf_, header.sh_link); gelf_getshdr(strings, &names) != nullptr)
            image_.text_.reserve(std::min<std::size_t>(image_.text_.size() + names.sh_size, kMaxText));
        found_.reserve(std::min(found_.size() + count, kMaxSymbols));
        for (std::size_t i = 0; i < count && found_.size() < kMaxSymbols; ++i) {
            GElf_Sym symbol;
            if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) continue;
            add(symbol, elf_strptr(elf_, header.sh_link, symbol.st_name));
        }
        if (header.sh_type == SHT_SYMTAB && count > 1) image_.full_table_ = true;
    }

    void add(const GElf_Sym& symbol, const char* raw) {
        if (raw == nullptr || raw[0] == '\0' || symbol.st_value == 0 || symbol.st_shndx == SHN_UNDEF) return;
        std::string_view name(raw, strnlen(raw, kMaxNameLength));
        name = name.substr(0, name.find('@'));  // "malloc@@GLIBC_2.2.5"
        const int type = GELF_ST_TYPE(symbol.st_info);
        const auto section = code_.find(symbol.st_shndx);
        const bool in_code = section != code_.end() && symbol.st_value < section->second;
        const bool function = in_code && (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
        if (!function && !(type == STT_OBJECT && is_wanted_object(name))) return;
        // Mapping symbols and local labels are not functions.
        if (type == STT_NOTYPE && (name.starts_with("$") || name.starts_with(".L"))) return;
        if (!function) {
            if (image_.objects_.size() < kMaxObjects) image_.objects_.emplace_back(name, symbol.st_value);
            return;
        }
        if (image_.text_.size() > kMaxText) return;
        const auto text = static_cast<std::uint32_t>(image_.text_.size());
        image_.text_.append(name).push_back('\0');
        found_.push_back({.symbol = {symbol.st_value, symbol.st_size, text},
                          .sized = symbol.st_size != 0,
                          .global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL});
    }

    void finish() {
        const auto better = [&](const Candidate& a, const Candidate& b) {
            if (a.symbol.address != b.symbol.address) return a.symbol.address < b.symbol.address;
            if (a.sized != b.sized) return a.sized;
            if (a.global != b.global) return a.global;
            const std::string_view x = image_.text_.data() + a.symbol.name;
            const std::string_view y = image_.text_.data() + b.symbol.name;
            return x.size() != y.size() ? x.size() < y.size() : x < y;
        };
        std::ranges::sort(found_, better);
        image_.functions_.reserve(found_.size());
        for (const Candidate& c : found_)
            if (image_.functions_.empty() || image_.functions_.back().address != c.symbol.address)
                image_.functions_.push_back(c.symbol);
        // What was reserved and not used was never touched, but a small file's room may be an old one's.
        if (image_.text_.capacity() - image_.text_.size() > image_.text_.size() / 2) image_.text_.shrink_to_fit();
    }

    Elf* elf_;
    std::uint64_t read_ = 0;                  // bytes of sections
    std::map<std::size_t, bool> may_read_;    // of sections that were asked about, by index
    ElfImage image_;
    Elf_Scn* debug_data_ = nullptr;  // .gnu_debugdata
    std::vector<Candidate> found_;
    std::map<std::size_t, std::uint64_t> code_;  // index of an executable section: its end
};

Result<ElfImage> ElfImage::read(int fd) {
    elf_version(EV_CURRENT);
    return ElfReader::read(ElfHandle(elf_begin(fd, ELF_C_READ, nullptr)).get());
}

Result<ElfImage> ElfImage::read(std::string_view bytes) {
    elf_version(EV_CURRENT);
    std::string copy(bytes);  // libelf may write to it
    return ElfReader::read(ElfHandle(elf_memory(copy.data(), copy.size())).get());
}

std::optional<ElfImage::Found> ElfImage::find(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(functions_, address, {}, &ElfSymbol::address);
    if (after == functions_.begin()) return std::nullopt;
    const ElfSymbol& s = *std::prev(after);
    const std::uint64_t into = address - s.address;
    if (into >= s.size) return std::nullopt;
    return Found{text_.data() + s.name, into};
}

std::optional<std::uint64_t> ElfImage::address_of(std::string_view symbol) const {
    for (const auto& [name, address] : objects_)
        if (name == symbol) return address;
    for (const ElfSymbol& s : functions_)
        if (text_.data() + s.name == symbol) return s.address;
    return std::nullopt;
}

std::optional<ElfImage::Range> ElfImage::range_of(std::string_view function) const {
    for (const ElfSymbol& s : functions_)
        if (text_.data() + s.name == function) return Range{s.address, s.size};
    return std::nullopt;
}

std::optional<std::uint64_t> ElfImage::text_offset() const {
    for (const Segment& s : segments_)
        if (s.executable) return s.offset;
    return std::nullopt;
}

std::optional<std::uint64_t> ElfImage::address_of_offset(std::uint64_t file_offset) const {
    for (const Segment& s : segments_)
        if (s.offset <= file_offset && file_offset - s.offset < s.size)
            return s.address + (file_offset - s.offset);
    return std::nullopt;
}

std::size_t ElfImage::bytes() const {
    return sizeof *this + (functions_.capacity() + objects_.capacity()) * sizeof(ElfSymbol) +
           text_.capacity();
}

void ElfImage::adopt_functions(ElfImage&& debug) {
    functions_ = std::move(debug.functions_);
    text_ = std::move(debug.text_);
    full_table_ = debug.full_table_;
}

std::string read_build_id(int fd) {
    elf_version(EV_CURRENT);
    return ElfReader::build_id(ElfHandle(elf_begin(fd, ELF_C_READ, nullptr)).get());
}

}  // namespace autotune::symbols
