// ProgramFile: an executable or a library on disk as a tracer needs it: its functions and variables by name,
// their code, and what kind of program it is.
//
// Functions come from .symtab and .dynsym, and from the separate debug file of the same build where the file
// itself is stripped. Left out: what is only imported, PLT stubs, and IFUNC resolvers (the function that is
// called is another one). Several names at one address are one function. A corrupt file gives an error or
// fewer functions, never a crash. A value; threads may share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/native/probe_site.hpp"
#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune::native {

struct ProgramFunction {
    std::uint64_t address = 0;  // the file's own
    std::uint64_t size = 0;     // up to the next function where the symbol does not say
    std::uint64_t file_offset = 0;
    std::string_view name;      // linkage name; lives as long as the ProgramFile
};

struct ProgramVariable {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};

class ProgramFile {
public:
    // Errors: not_found, permission_denied, corrupt, unsupported (another machine's, or 32-bit).
    [[nodiscard]] static Result<ProgramFile> open(const std::string& path);

    // The functions one of whose names matches: linkage name, or name as people write it with or without its
    // parameters. `*`, `?` and `[…]` as in the shell. By address. Errors: not_found, with the nearest names or
    // why there can be none.
    [[nodiscard]] Result<std::vector<ProgramFunction>> find(std::string_view glob) const;

    // The function that holds the address.
    [[nodiscard]] std::optional<ProgramFunction> at(std::uint64_t address) const;
    // By one exact linkage name.
    [[nodiscard]] std::optional<ProgramFunction> named(std::string_view linkage_name) const;
    [[nodiscard]] std::optional<ProgramVariable> variable(std::string_view name) const;

    // Up to `most` bytes of code at a file offset; fewer where the file ends.
    [[nodiscard]] std::vector<std::byte> read(std::uint64_t file_offset, std::size_t most) const;
    // The function's code, at most 64 KiB of it.
    [[nodiscard]] std::vector<std::byte> code(const ProgramFunction& function) const;
    [[nodiscard]] std::optional<std::uint64_t> offset_of(std::uint64_t address) const;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const std::string& build_id() const { return build_id_; }  // hex
    [[nodiscard]] const std::string& debug_path() const { return debug_path_; }  // where symbols and lines are
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Goroutines move between stacks: no return address may be replaced.
    [[nodiscard]] bool is_go() const { return is_go_; }
    // Has to do with unwinding (throws, or is thrown through): a replaced return address would end the walk.
    [[nodiscard]] bool unwinds() const { return unwinds_; }
    // Has coroutines: calls end in another order than they began in.
    [[nodiscard]] bool switches_stacks() const { return switches_stacks_; }
    [[nodiscard]] std::size_t size() const { return functions_.size(); }

private:
    friend class ProgramReader;
    struct Name {
        std::uint64_t address = 0;
        std::uint32_t text = 0;  // offset in text_
    };
    struct Function {
        std::uint64_t address = 0;
        std::uint64_t size = 0;
        std::uint32_t text = 0;
    };
    struct Segment {
        std::uint64_t offset = 0;
        std::uint64_t address = 0;
        std::uint64_t size = 0;
    };
    ProgramFile() = default;
    [[nodiscard]] std::string_view text_at(std::uint32_t offset) const { return text_->data() + offset; }
    [[nodiscard]] ProgramFunction describe(const Function& f) const;
    [[nodiscard]] Unexpected no_such(std::string_view glob) const;

    std::string path_;
    std::string debug_path_;
    std::string build_id_;
    Fd fd_;
    std::vector<Segment> segments_;
    std::vector<Function> functions_;  // by address, one each
    std::vector<Name> names_;          // all, by address
    std::vector<std::pair<std::uint32_t, ProgramVariable>> variables_;
    std::vector<std::uint32_t> resolvers_;  // names of IFUNCs
    std::unique_ptr<std::string> text_;     // names, each with a zero behind it; a move leaves views valid
    bool full_table_ = false;
    bool is_go_ = false;
    bool unwinds_ = false;
    bool switches_stacks_ = false;
};

}  // namespace autotune::native
