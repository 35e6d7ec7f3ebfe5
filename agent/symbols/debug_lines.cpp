#include "agent/symbols/debug_lines.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxUnits = 200'000;
constexpr std::size_t kMaxRanges = 1'000'000;      // of all units
constexpr std::size_t kMaxEntries = 2'000'000;     // looked at in one unit
constexpr std::size_t kMaxScopes = 400'000;        // of one unit: many entries may share one list of ranges
constexpr std::size_t kMaxDepth = 128;
constexpr std::size_t kMaxRangesOfEntry = 4'096;
constexpr std::size_t kMaxPlaces = 64;             // inlined into each other
constexpr std::size_t kLineBytes = 64;             // what libdw keeps of a row
constexpr std::size_t kMaxText = 4'096;

struct EndElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};
struct EndDwarf {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

// A function, or one inlined into another, at one range of addresses.
struct Scope {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    Dwarf_Off entry = 0;
    std::uint32_t depth = 0;
    std::uint32_t call_file = 0;  // where it was inlined; 0 of functions
    std::uint32_t call_line = 0;
};

struct UnitRange {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    Dwarf_Off unit = 0;  // offset of its entry
};

struct Unit {
    Dwarf_Die die{};
    std::vector<Scope> scopes;
};

template <class Use>
bool each_range(Dwarf_Die* die, std::size_t most, const Use& use) {
    Dwarf_Addr base = 0, low = 0, high = 0;
    std::ptrdiff_t at = 0;
    for (std::size_t i = 0; i < most; ++i) {
        at = dwarf_ranges(die, at, &base, &low, &high);
        if (at <= 0) return at == 0;
        if (low < high) use(low, high);
    }
    return false;
}

std::uint32_t number_of(Dwarf_Die* die, unsigned attribute) {
    Dwarf_Attribute found;
    Dwarf_Word value = 0;
    if (dwarf_attr(die, attribute, &found) == nullptr || dwarf_formudata(&found, &value) != 0) return 0;
    return value <= UINT32_MAX ? static_cast<std::uint32_t>(value) : 0;
}

bool is_dwarf(std::string_view section) { return section.starts_with(".debug_") || section.starts_with(".zdebug_"); }

template <class Use>
void each_debug_section(Elf* elf, const Use& use) {
    std::size_t names = 0;
    if (elf_getshdrstrndx(elf, &names) != 0) return;
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
        const char* name = elf_strptr(elf, names, header.sh_name);
        if (name != nullptr && is_dwarf(name)) use(section, header, std::string_view(name));
    }
}

// What libdw will load: the sections as they are once decompressed.
std::size_t debug_bytes(Elf* elf) {
    std::size_t total = 0;
    each_debug_section(elf, [&](Elf_Scn* section, const GElf_Shdr& header, std::string_view name) {
        std::size_t size = header.sh_size;
        GElf_Chdr compressed;
        if ((header.sh_flags & SHF_COMPRESSED) != 0 && gelf_getchdr(section, &compressed) != nullptr)
            size = std::max<std::size_t>(size, compressed.ch_size);
        // The old form has its size in the data; nobody writes it any more, so no more is guessed than this.
        if (name.starts_with(".zdebug_")) size *= 16;
        total += std::min<std::size_t>(size, SIZE_MAX / 4 - total / 2);
    });
    return total;
}

struct Bytes {
    const char* begin = nullptr;
    const char* end = nullptr;
};

// The debug sections as libdw reads them. True if the last text of each section of texts has an end: libdw puts paths
// together with strlen(). Where `repair` gets a section without, it may give it one.
template <class Repair>
bool add_section_bytes(Elf* elf, std::vector<Bytes>& all, const Repair& repair) {
    bool ended = true;
    each_debug_section(elf, [&](Elf_Scn* section, const GElf_Shdr&, std::string_view name) {
        for (Elf_Data* data : {elf_getdata(section, nullptr), elf_rawdata(section, nullptr)}) {
            if (data == nullptr || data->d_buf == nullptr || data->d_size == 0) continue;
            auto* begin = static_cast<char*>(data->d_buf);
            char& last = begin[data->d_size - 1];
            if (name.ends_with("str") && last != '\0') ended = repair(last) && ended;
            all.push_back({begin, begin + data->d_size});
        }
    });
    return ended;
}

// libdw gives a text where it stands in its section, and does not look whether it ends there; a path that it put
// together itself has an end.
std::string text_of(const char* text, const std::vector<Bytes>& sections) {
    if (text == nullptr) return {};
    std::size_t most = kMaxText;
    for (const Bytes& s : sections)
        if (!std::less<>()(text, s.begin) && std::less<>()(text, s.end))
            most = std::min<std::size_t>(most, static_cast<std::size_t>(s.end - text));
    const std::size_t length = strnlen(text, most);
    return length < most ? std::string(text, length) : std::string();
}

std::string name_of(Dwarf_Die* die, const std::vector<Bytes>& sections) {
    Dwarf_Attribute found;
    for (const unsigned attribute : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name}) {
        if (dwarf_attr_integrate(die, attribute, &found) == nullptr) continue;
        if (std::string text = text_of(dwarf_formstring(&found), sections); !text.empty()) return text;
    }
    return {};
}

}  // namespace

struct DebugLines::State {
    Fd fd;
    std::unique_ptr<Elf, EndElf> elf;
    std::unique_ptr<Dwarf, EndDwarf> dwarf;
    std::vector<Bytes> sections;
    std::vector<UnitRange> ranges;  // by low
    std::map<Dwarf_Off, Unit> units;
    std::size_t bytes = 0;
    std::uint64_t damaged = 0;

    void read_units() {
        Dwarf_CU* unit = nullptr;
        Dwarf_Half version = 0;
        std::uint8_t type = 0;
        Dwarf_Die die;
        for (std::size_t i = 0; i < kMaxUnits && ranges.size() < kMaxRanges; ++i) {
            if (dwarf_get_units(dwarf.get(), unit, &unit, &version, &type, &die, nullptr) != 0) break;
            if (type != DW_UT_compile && type != DW_UT_skeleton) continue;
            const Dwarf_Off entry = dwarf_dieoffset(&die);
            const bool whole = each_range(&die, kMaxRanges - ranges.size(), [&](std::uint64_t low, std::uint64_t high) {
                ranges.push_back({low, high, entry});
            });
            if (!whole) ++damaged;
        }
        std::ranges::sort(ranges, {}, &UnitRange::low);
        bytes += ranges.capacity() * sizeof(UnitRange);
    }

    Unit* unit_at(std::uint64_t address) {
        const auto after = std::ranges::upper_bound(ranges, address, {}, &UnitRange::low);
        // Ranges of different units do not overlap in what compilers write; of those that do the nearest counts.
        if (after == ranges.begin() || address >= std::prev(after)->high) return nullptr;
        const Dwarf_Off entry = std::prev(after)->unit;
        const auto [found, fresh] = units.try_emplace(entry);
        if (fresh) {
            if (dwarf_offdie(dwarf.get(), entry, &found->second.die) == nullptr) {
                units.erase(found);
                return nullptr;
            }
            read_scopes(found->second);
        }
        return &found->second;
    }

    void add(Unit& unit, Dwarf_Die* die, std::uint32_t depth) {
        const int tag = dwarf_tag(die);
        if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine) return;
        Scope scope{.entry = dwarf_dieoffset(die), .depth = depth};
        if (tag == DW_TAG_inlined_subroutine) {
            scope.call_file = number_of(die, DW_AT_call_file);
            scope.call_line = number_of(die, DW_AT_call_line);
        }
        (void)each_range(die, kMaxRangesOfEntry, [&](std::uint64_t low, std::uint64_t high) {
            scope.low = low;
            scope.high = high;
            if (unit.scopes.size() < kMaxScopes) unit.scopes.push_back(scope);
        });
    }

    // Depth first, without recursion: depth and number are bounded, whatever the entries refer to.
    void read_scopes(Unit& unit) {
        std::vector<Dwarf_Die> parents;  // whose siblings are still to come
        Dwarf_Die die, next;
        bool whole = true;
        int more = dwarf_child(&unit.die, &die);
        for (std::size_t seen = 0;; ++seen) {
            while (more != 0) {  // the end of a level
                whole = whole && more > 0;
                if (parents.empty()) break;
                more = dwarf_siblingof(&parents.back(), &die);
                parents.pop_back();
            }
            if (more != 0 || seen == kMaxEntries || unit.scopes.size() == kMaxScopes) break;
            add(unit, &die, static_cast<std::uint32_t>(parents.size()));
            if (worth_entering(&die)) {
                whole = whole && parents.size() < kMaxDepth;
                if (parents.size() < kMaxDepth && dwarf_child(&die, &next) == 0) {
                    parents.push_back(die);
                    die = next;
                    continue;
                }
            }
            more = dwarf_siblingof(&die, &next);
            die = next;
        }
        whole = whole && more != 0 && unit.scopes.size() < kMaxScopes;
        if (!whole) ++damaged;
        unit.scopes.shrink_to_fit();
        Dwarf_Lines* lines = nullptr;
        std::size_t count = 0;
        (void)dwarf_getsrclines(&unit.die, &lines, &count);
        bytes += unit.scopes.capacity() * sizeof(Scope) + count * kLineBytes;
    }

    // Code is in functions, these in namespaces and blocks; types' members are only declared.
    static bool worth_entering(Dwarf_Die* die) {
        if (dwarf_haschildren(die) != 1 || dwarf_hasattr(die, DW_AT_inline) == 1) return false;
        switch (dwarf_tag(die)) {
            case DW_TAG_subprogram:
            case DW_TAG_inlined_subroutine:
            case DW_TAG_lexical_block:
            case DW_TAG_namespace:
            case DW_TAG_module:
            case DW_TAG_try_block:
            case DW_TAG_catch_block:
            case DW_TAG_structure_type:  // Rust puts methods there
            case DW_TAG_class_type: return true;
            default: return false;
        }
    }

    std::string file_of(Unit& unit, std::uint32_t number) {
        Dwarf_Files* files = nullptr;
        std::size_t count = 0;
        if (number == 0 || dwarf_getsrcfiles(&unit.die, &files, &count) != 0 || number >= count) return {};
        return text_of(dwarf_filesrc(files, number, nullptr, nullptr), sections);
    }
};

DebugLines::DebugLines(std::unique_ptr<State> state) : state_(std::move(state)) {}
DebugLines::~DebugLines() = default;
DebugLines::DebugLines(DebugLines&&) noexcept = default;
DebugLines& DebugLines::operator=(DebugLines&&) noexcept = default;

Result<DebugLines> DebugLines::open(Fd fd, std::size_t max_bytes) {
    elf_version(EV_CURRENT);
    auto state = std::make_unique<State>();
    state->fd = std::move(fd);
    state->elf.reset(elf_begin(state->fd.get(), ELF_C_READ, nullptr));
    if (!state->elf || elf_kind(state->elf.get()) != ELF_K_ELF) return fail(Errc::corrupt, "not an ELF file");
    state->bytes = debug_bytes(state->elf.get());
    if (state->bytes == 0) return fail(Errc::not_found, "no DWARF");
    if (state->bytes > max_bytes) return fail(Errc::resource_exhausted, "more DWARF than there is room for");
    state->dwarf.reset(dwarf_begin_elf(state->elf.get(), DWARF_C_READ, nullptr));
    if (!state->dwarf) return fail(Errc::corrupt, std::string("DWARF that cannot be read: ") + dwarf_errmsg(-1));
    // These bytes are a copy (ELF_C_READ): a text that was damaged is cut, the others stay readable.
    (void)add_section_bytes(state->elf.get(), state->sections, [](char& last) { return last = '\0', true; });
    // What dwz moved out to a file that several share; libdw finds it by its build id.
    if (Dwarf* shared = dwarf_getalt(state->dwarf.get()); shared != nullptr) {
        // libdw opened that one, and maps it to be read only.
        if (!add_section_bytes(dwarf_getelf(shared), state->sections, [](char&) { return false; }))
            return fail(Errc::corrupt, "DWARF that cannot be read: the file shared with others has a text without an end");
        state->bytes += debug_bytes(dwarf_getelf(shared));
    }
    state->read_units();
    return DebugLines(std::move(state));
}

std::vector<CodePlace> DebugLines::at(std::uint64_t address) {
    std::vector<CodePlace> places;
    Unit* unit = state_->unit_at(address);
    if (unit == nullptr) return places;
    std::vector<const Scope*> holding;
    for (const Scope& s : unit->scopes)
        if (s.low <= address && address < s.high && holding.size() < kMaxPlaces) holding.push_back(&s);
    std::ranges::stable_sort(holding, std::ranges::greater(), &Scope::depth);
    std::string file;
    std::uint32_t line = 0;
    if (Dwarf_Line* row = dwarf_getsrc_die(&unit->die, address); row != nullptr) {
        int number = 0;
        if (dwarf_lineno(row, &number) == 0 && number > 0) {
            file = text_of(dwarf_linesrc(row, nullptr, nullptr), state_->sections);
            line = static_cast<std::uint32_t>(number);
        }
    }
    for (const Scope* scope : holding) {
        Dwarf_Die die;
        const bool there = dwarf_offdie(state_->dwarf.get(), scope->entry, &die) != nullptr;
        places.push_back({there ? name_of(&die, state_->sections) : std::string(), std::move(file), line});
        if (scope->call_line == 0) break;  // a function: what is around it is not around its code
        file = state_->file_of(*unit, scope->call_file);
        line = scope->call_line;
    }
    if (places.empty() && line != 0) places.push_back({"", std::move(file), line});
    return places;
}

std::size_t DebugLines::bytes() const { return state_->bytes; }
std::uint64_t DebugLines::damaged() const { return state_->damaged; }

}  // namespace autotune::symbols
