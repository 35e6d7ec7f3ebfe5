// ElfImage: the functions of one ELF file, ready to be looked up by address. A value; threads may share it.
//
// Addresses here are the file's own virtual addresses (st_value). Names stay mangled until they are asked
// for. A corrupt file gives an error or fewer symbols, never a crash: libelf checks bounds, and what it
// hands out is checked again before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/symbols/debug_files.hpp"
#include "core/result.hpp"

namespace autotune::symbols {

struct ElfSymbol {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::uint32_t name = 0;  // offset of the zero-terminated name in ElfImage's text
};

class ElfImage {
public:
    // Reads .symtab, .dynsym and what .gnu_debugdata holds (xz) of an open file; does not take the descriptor.
    // Errors: corrupt.
    [[nodiscard]] static Result<ElfImage> read(int fd);
    // The same from memory (the vdso).
    [[nodiscard]] static Result<ElfImage> read(std::string_view bytes);

    // Mangled name of the function that holds the address, and how far into it the address is.
    struct Found {
        std::string_view name;
        std::uint64_t offset = 0;
    };
    [[nodiscard]] std::optional<Found> find(std::uint64_t address) const;

    // Address of a named function, or of the few objects that are kept: _PyRuntime and its like.
    [[nodiscard]] std::optional<std::uint64_t> address_of(std::string_view symbol) const;

    // A named function from its first byte on; size 0 when it is not told.
    struct Range {
        std::uint64_t address = 0;
        std::uint64_t size = 0;
    };
    [[nodiscard]] std::optional<Range> range_of(std::string_view function) const;

    // File offset to virtual address, by the loadable segments.
    [[nodiscard]] std::optional<std::uint64_t> address_of_offset(std::uint64_t file_offset) const;

    // File offset at which the first executable segment begins.
    [[nodiscard]] std::optional<std::uint64_t> text_offset() const;

    [[nodiscard]] const std::string& build_id() const { return build_id_; }  // hex
    [[nodiscard]] const DebugLink& debug_link() const { return debug_link_; }
    [[nodiscard]] bool has_full_table() const { return full_table_; }        // .symtab, not only .dynsym
    [[nodiscard]] bool has_dwarf() const { return dwarf_; }                  // .debug_info
    [[nodiscard]] bool is_cut() const { return cut_; }                       // some section was too large to be read
    [[nodiscard]] std::size_t size() const { return functions_.size(); }
    [[nodiscard]] std::size_t bytes() const;  // memory held

    // Takes the functions of a separate debug file of the same build instead of the own ones.
    void adopt_functions(ElfImage&& debug);

private:
    friend class ElfReader;
    struct Segment {
        std::uint64_t offset = 0;
        std::uint64_t address = 0;
        std::uint64_t size = 0;
        bool executable = false;
    };
    std::vector<ElfSymbol> functions_;                            // by address, one each
    std::vector<std::pair<std::string, std::uint64_t>> objects_;  // data that an interpreter is found by
    std::vector<Segment> segments_;
    std::string text_;
    std::string build_id_;
    DebugLink debug_link_;
    bool full_table_ = false;
    bool dwarf_ = false;
    bool cut_ = false;
};

// Only that, of an open file: hex, "" when it has none or is no ELF file.
[[nodiscard]] std::string read_build_id(int fd);

}  // namespace autotune::symbols
