#include "agent/cold/start_places.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/native/probe_site.hpp"
#include "agent/symbols/elf_image.hpp"
#include "agent/symbols/python_interpreter.hpp"
#include "bpf/cold_wire.h"
#include "os/fd.hpp"

namespace autotune::cold {
namespace {

struct EndElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};

struct Segments {
    std::vector<GElf_Phdr> loaded;
    [[nodiscard]] std::optional<std::uint64_t> offset_of(std::uint64_t address) const {
        for (const GElf_Phdr& s : loaded)
            if (address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz) return address - s.p_vaddr + s.p_offset;
        return std::nullopt;
    }
};

// "8@%rax": where the first argument is. Others than whole registers are not known here.
std::optional<std::uint32_t> register_of(std::string_view arguments) {
    const auto at = arguments.find("8@%");
    if (at != 0) return std::nullopt;
    arguments.remove_prefix(3);
    const std::string_view name = arguments.substr(0, arguments.find(' '));
    static constexpr std::pair<std::string_view, std::uint32_t> kRegisters[] = {
        {"rax", AT_COLD_RAX}, {"rbx", AT_COLD_RBX}, {"rcx", AT_COLD_RCX}, {"rdx", AT_COLD_RDX}, {"rsi", AT_COLD_RSI},
        {"rdi", AT_COLD_RDI}, {"rbp", AT_COLD_RBP}, {"r8", AT_COLD_R8},   {"r9", AT_COLD_R9},   {"r10", AT_COLD_R10},
        {"r11", AT_COLD_R11}, {"r12", AT_COLD_R12}, {"r13", AT_COLD_R13}, {"r14", AT_COLD_R14}, {"r15", AT_COLD_R15}};
    for (const auto& [known, number] : kRegisters)
        if (known == name) return number;
    return std::nullopt;
}

// One note of SystemTap's form: address, base and semaphore, then provider, name and arguments, NUL after each.
void take_note(std::string_view body, const Segments& segments, StartPlaces& places) {
    std::uint64_t numbers[3];
    if (body.size() < sizeof numbers) return;
    std::memcpy(numbers, body.data(), sizeof numbers);
    body.remove_prefix(sizeof numbers);
    std::string_view words[3];
    for (std::string_view& word : words) {
        word = body.substr(0, body.find('\0'));
        body.remove_prefix(std::min(word.size() + 1, body.size()));
    }
    if (words[0] != "python" || !words[1].starts_with("import__find__load__")) return;
    const auto offset = segments.offset_of(numbers[0]);
    if (!offset) return;
    const ImportProbe probe{.offset = *offset,
                            .semaphore = numbers[2] != 0 ? segments.offset_of(numbers[2]).value_or(0) : 0,
                            .name_register = register_of(words[2]).value_or(AT_COLD_REGISTERS)};
    if (words[1].ends_with("start") && probe.name_register != AT_COLD_REGISTERS) places.import_begins = probe;
    if (words[1].ends_with("done")) places.import_ends = probe;
}

void take_notes(Elf* elf, const Segments& segments, StartPlaces& places) {
    constexpr std::uint32_t kStapNote = 3;
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_NOTE) continue;
        Elf_Data* data = elf_getdata(section, nullptr);
        if (data == nullptr || data->d_buf == nullptr) continue;
        const std::string_view all(static_cast<const char*>(data->d_buf), data->d_size);
        GElf_Nhdr note;
        std::size_t name = 0, body = 0;
        for (std::size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &body)) > 0;) {
            if (name > all.size() || note.n_namesz > all.size() - name || body > all.size() ||
                note.n_descsz > all.size() - body)
                return;
            if (note.n_type == kStapNote && all.substr(name, 7) == "stapsdt")
                take_note(all.substr(body, note.n_descsz), segments, places);
        }
    }
}

// What the dynamic section says under that tag, one after the other.
std::vector<std::string> dynamic_texts(Elf* elf, std::int64_t tag) {
    std::vector<std::string> texts;
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNAMIC) continue;
        Elf_Data* data = elf_getdata(section, nullptr);
        GElf_Dyn entry;
        for (int i = 0; data != nullptr && gelf_getdyn(data, i, &entry) != nullptr && entry.d_tag != DT_NULL; ++i) {
            if (entry.d_tag != tag) continue;
            const char* text = elf_strptr(elf, header.sh_link, entry.d_un.d_val);
            if (text != nullptr) texts.emplace_back(text);
        }
    }
    return texts;
}

}  // namespace

std::string interpreter_library(const std::string& path, const std::string& library_path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    elf_version(EV_CURRENT);
    const std::unique_ptr<Elf, EndElf> elf(fd ? elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr) : nullptr);
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF) return "";
    std::string name;
    for (const std::string& needed : dynamic_texts(elf.get(), DT_NEEDED))
        if (needed.starts_with("libpython3.")) name = needed;
    if (name.empty()) return "";
    std::string folders = library_path;
    for (const std::int64_t tag : {DT_RPATH, DT_RUNPATH})
        for (const std::string& own : dynamic_texts(elf.get(), tag)) folders += ":" + own;
    folders += ":/usr/local/lib:/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib";
    const std::string origin = std::filesystem::path(path).parent_path().string();
    while (!folders.empty()) {
        const auto end = std::min(folders.find(':'), folders.size());
        std::string folder = folders.substr(0, end);
        folders.erase(0, end + 1);
        for (const std::string_view word : {"${ORIGIN}", "$ORIGIN"})
            if (const auto at = folder.find(word); at != std::string::npos) folder.replace(at, word.size(), origin);
        std::error_code error;
        const std::filesystem::path file = std::filesystem::canonical(folder + "/" + name, error);
        if (!folder.empty() && !error) return file;
    }
    return "";
}

Result<StartPlaces> find_start_places(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return unexpected(errno_error("opening " + path, errno));
    elf_version(EV_CURRENT);
    const std::unique_ptr<Elf, EndElf> elf(elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr));
    GElf_Ehdr header;
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr)
        return fail(Errc::corrupt, path + " is no program");
    Segments segments;
    struct stat file {};
    const std::uint64_t size = ::fstat(fd.get(), &file) == 0 ? static_cast<std::uint64_t>(file.st_size) : 0;
    std::size_t count = 0;
    if (elf_getphdrnum(elf.get(), &count) != 0) count = 0;
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf.get(), static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD) continue;
        if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset) continue;  // a lie
        segments.loaded.push_back(segment);
    }
    StartPlaces places;
    if (header.e_entry != 0) places.entry = segments.offset_of(header.e_entry);
    take_notes(elf.get(), segments, places);
    if (!places.import_begins || !places.import_ends) places.import_begins.reset(), places.import_ends.reset();
    // Where it is cheap to mark takes a look at all functions: only of Pythons.
    const auto image = symbols::ElfImage::read(fd.get());
    if (!image || !image->address_of("PyEval_EvalCode")) return places;
    const auto site_of = [&](const char* function) -> std::optional<std::uint64_t> {
        const auto site = native::find_probe_site(path, function);
        return site ? std::optional(site->file_offset) : std::nullopt;
    };
    places.run_main = site_of("Py_RunMain");
    places.eval_code = site_of("PyEval_EvalCode");
    const auto minor = symbols::python_minor_of_path(path);
    const symbols::PythonLayout* layout = minor ? symbols::python_layout(*minor) : nullptr;
    if (layout == nullptr) return places;
    places.code_file = layout->code.file_name;
    places.text = layout->code.ascii_text;
    return places;
}

}  // namespace autotune::cold
