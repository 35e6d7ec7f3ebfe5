#include "agent/unwind/elf_frames.hpp"

#include <elf.h>
#include <gelf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace autotune::unwind {

namespace {

constexpr std::uint64_t kMostBytes = 512u << 20;  // of one section, also once it is decompressed

struct CloseElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, CloseElf>;

std::span<const std::uint8_t> bytes_of(const Elf_Data* data) {
    if (data == nullptr || data->d_buf == nullptr) return {};
    return {static_cast<const std::uint8_t*>(data->d_buf), data->d_size};
}

std::optional<FrameBytes> from_sections(Elf* elf, std::string_view wanted, FrameSection kind) {
    std::size_t names = 0;
    if (elf_getshdrstrndx(elf, &names) != 0) return std::nullopt;
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
        const char* name = elf_strptr(elf, names, header.sh_name);
        if (name == nullptr || name != wanted) continue;
        GElf_Chdr compressed;
        if ((header.sh_flags & SHF_COMPRESSED) != 0 &&
            (gelf_getchdr(section, &compressed) == nullptr || compressed.ch_size > kMostBytes ||
             elf_compress(section, 0, 0) < 0))
            return std::nullopt;
        // Raw: libelf's own reading of .eh_frame would look for byte orders that are not foreign here.
        const auto bytes = bytes_of(elf_rawdata(section, nullptr));
        if (!bytes.empty()) return FrameBytes{bytes, header.sh_addr, kind};
    }
    return std::nullopt;
}

// A part of the file; empty when it is not all there.
std::span<const std::uint8_t> chunk(Elf* elf, std::uint64_t offset, std::uint64_t size) {
    if (offset > INT64_MAX || size > kMostBytes) return {};
    return bytes_of(elf_getdata_rawchunk(elf, static_cast<std::int64_t>(offset), size, ELF_T_BYTE));
}

// Without section headers: PT_GNU_EH_FRAME is the search table's header, whose first pointer leads to
// .eh_frame.
std::optional<FrameBytes> from_segments(Elf* elf) {
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) return std::nullopt;
    std::optional<GElf_Phdr> search;
    std::vector<GElf_Phdr> loads;
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) return std::nullopt;
        if (header.p_type == PT_GNU_EH_FRAME) search = header;
        if (header.p_type == PT_LOAD) loads.push_back(header);
    }
    // version 1, pointer encoding "pc-relative, four signed bytes", two more encodings, the pointer.
    const auto head = search ? chunk(elf, search->p_offset, 8) : std::span<const std::uint8_t>();
    if (head.size() != 8 || head[0] != 1 || head[1] != 0x1b) return std::nullopt;
    std::int32_t distance = 0;
    std::memcpy(&distance, head.data() + 4, sizeof distance);
    const std::uint64_t address = search->p_vaddr + 4 + static_cast<std::uint64_t>(std::int64_t{distance});
    for (const GElf_Phdr& load : loads) {
        if (address < load.p_vaddr || address - load.p_vaddr >= load.p_filesz) continue;
        const std::uint64_t within = address - load.p_vaddr;
        return FrameBytes{chunk(elf, load.p_offset + within, load.p_filesz - within), address, FrameSection::eh_frame};
    }
    return std::nullopt;
}

std::vector<LoadSegment> segments_of(Elf* elf) {
    std::vector<LoadSegment> out;
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) return out;
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) break;
        if (header.p_type == PT_LOAD) out.push_back({header.p_offset, header.p_vaddr, header.p_filesz});
    }
    return out;
}

// Where the kernel enters the file there is no caller, which not everybody says: the dynamic linker's _start has no
// description at all. Its few instructions get one, up to what is described again.
void end_at_entry(std::vector<FrameRow>& rows, std::uint64_t entry) {
    constexpr std::uint64_t kLength = 64;
    const auto after = std::ranges::upper_bound(rows, entry, {}, &FrameRow::address);
    if (after != rows.begin() && std::prev(after)->recipe.cfa != CfaRule::none) return;
    if (after != rows.begin() && std::prev(after)->address == entry) return;
    const Recipe end{.cfa = CfaRule::end};
    const bool gap = after == rows.end() || after->address > entry + kLength;
    const auto at = rows.insert(after, {entry, end});
    if (gap) rows.insert(std::next(at), {entry + kLength, Recipe{}});
}

Result<ElfFrames> read(const ElfHandle& elf) {
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF) return fail(Errc::corrupt, "not an ELF file");
    GElf_Ehdr header;
    if (gelf_getehdr(elf.get(), &header) == nullptr)
        return fail(Errc::corrupt, "an ELF file without a header");
    if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return fail(Errc::unsupported, "call frames of machine " + std::to_string(header.e_machine));
    std::vector<FrameBytes> sections;
    auto eh = from_sections(elf.get(), ".eh_frame", FrameSection::eh_frame);
    if (!eh) eh = from_segments(elf.get());
    if (eh) sections.push_back(*eh);
    if (const auto debug = from_sections(elf.get(), ".debug_frame", FrameSection::debug_frame))
        sections.push_back(*debug);
    ElfFrames out{read_call_frames(sections), segments_of(elf.get())};
    if (header.e_entry != 0) end_at_entry(out.frames.rows, header.e_entry);
    return out;
}

}  // namespace

std::optional<std::uint64_t> ElfFrames::address_of_offset(std::uint64_t offset) const {
    constexpr std::uint64_t kPage = 4096;  // a segment is mapped from the page its first byte lies in
    for (const LoadSegment& s : segments) {
        const std::uint64_t start = s.offset & ~(kPage - 1);
        if (offset >= start && offset < s.offset + s.size) return s.address - s.offset + offset;
    }
    return std::nullopt;
}

Result<ElfFrames> read_elf_frames(int fd) {
    elf_version(EV_CURRENT);
    // Not mapped: a file that somebody cuts meanwhile would end us by SIGBUS.
    return read(ElfHandle(elf_begin(fd, ELF_C_READ, nullptr)));
}

Result<ElfFrames> read_elf_frames(std::string_view bytes) {
    elf_version(EV_CURRENT);
    return read(ElfHandle(elf_memory(const_cast<char*>(bytes.data()), bytes.size())));
}

}  // namespace autotune::unwind
