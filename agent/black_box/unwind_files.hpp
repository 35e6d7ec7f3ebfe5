// UnwindFiles: the unwinding tables of mapped files, for walking a recorded stack after the process has gone. One
// thread. A file is pinned, by an open descriptor, while its process lives; it is read when a stack first comes by.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/symbols/module_cache.hpp"
#include "agent/symbols/process_maps.hpp"
#include "agent/unwind/elf_frames.hpp"
#include "agent/unwind/unwind_table.hpp"
#include "bpf/black_box_wire.h"
#include "os/fd.hpp"

namespace autotune::black_box {

// What is mapped where in one process, as far as stacks lead through it.
struct AddressSpace {
    struct Place {
        symbols::Mapping mapping;
        std::optional<symbols::FileIdentity> file;  // none: the vdso, or what could not be opened
    };
    std::vector<Place> places;  // by start
    [[nodiscard]] const Place* find(std::uint64_t address) const;
};

struct WalkedStack {
    std::vector<std::uint64_t> addresses;  // the instruction, then return addresses
    bool whole = false;                    // reached the thread's start
};

class UnwindFiles {
public:
    UnwindFiles();
    ~UnwindFiles();

    // Opens what is mapped, through the process whose folder in /proc this is; when it has gone, by the path, if the
    // file there is the same one.
    [[nodiscard]] AddressSpace pin(const std::string& folder, const std::vector<symbols::Mapping>& mappings);

    [[nodiscard]] WalkedStack walk(const AddressSpace& space, const at_box_registers& registers,
                                   std::uint64_t stack_base, std::span<const std::byte> stack);

private:
    struct File;
    File* file_of(const AddressSpace::Place& place);
    void make_room();
    void make_room_for_a_table();

    unwind::RecipeBook book_;
    std::map<symbols::FileIdentity, std::unique_ptr<File>> files_;
    std::unique_ptr<File> vdso_;
    std::uint64_t uses_ = 0;
};

}  // namespace autotune::black_box
