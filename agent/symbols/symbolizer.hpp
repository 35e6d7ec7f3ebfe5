// Symbolizer: an address in a process to the name of the function there.
//
// Looks, in this order: ELF symbols of the mapped file (.symtab, .dynsym, .gnu_debugdata, the separate debug file, a
// debuginfod), the vdso, /tmp/perf-PID.map for code that a JIT wrote. Where there is DWARF, it gives the source line and
// the functions that were inlined there. What has no symbol is called "module+0x1234", the file's own address;
// anonymous executable memory is "[anon:exec]". A process's
// mappings are read when it is first seen and kept, so that it can be named after it is gone; each file is
// opened through the process (also in another mount namespace) and kept open until its symbols are loaded.
// All calls of one symbolizer are given the same Tables: it remembers the ids.
//
// One thread. Bounded: processes and symbol tables are dropped least recently used first. No errors: a
// name that cannot be found is an "unknown" one, a corrupt file counts as one without symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/symbols/debuginfod.hpp"
#include "agent/symbols/module_cache.hpp"
#include "agent/symbols/process_maps.hpp"
#include "core/ids.hpp"
#include "core/tables.hpp"

namespace autotune::symbols {

struct ProcessSnapshot;

struct SymbolizerOptions {
    std::string proc = "/proc";
    std::size_t max_processes = 4096;
    std::size_t max_symbol_bytes = 32u << 20;  // all symbols and DWARF together
    std::size_t max_jit_bytes = 18u << 20;      // of all perf maps together; one of them may take 16 MiB
    DebuginfodOptions debuginfod = debuginfod_of_environment();
};

// A program as exec saw it: the file and where its first executable segment lies.
struct Program {
    std::string path;
    std::uint64_t inode = 0;
    std::uint64_t text_start = 0;
    std::uint64_t text_end = 0;
};

struct SymbolCounts {
    ModuleCounts modules;           // of files with symbols and DWARF
    std::uint64_t jit_refused = 0;  // processes whose perf map was not trusted: it is older than they are
    std::uint64_t jit_no_room = 0;  // functions of perf maps that found no room
};

class Symbolizer {
public:
    explicit Symbolizer(SymbolizerOptions options = {});
    ~Symbolizer();
    Symbolizer(const Symbolizer&) = delete;
    Symbolizer& operator=(const Symbolizer&) = delete;

    // Reads the process's mappings if it is new. Returns how many times they have been read: another
    // number means that they may have changed. Cheap when there is nothing to do.
    std::uint64_t observe(const ProcessId& process);

    // Reads the process's mappings again: it may have mapped more. What was known stays when it has gone.
    void refresh(const ProcessId& process);

    // The process has become another program (exec). What is known of it from elsewhere serves when it is
    // gone before its mappings could be read.
    void replaced(const ProcessId& process, const Program& program);

    // What the process itself told of its executable mappings so far, all of them. They serve where nothing is mapped
    // when we look: the process has ended, or has unloaded a library; a file that is not the told inode any more gives
    // no names.
    void told(const ProcessId& process, const std::vector<Mapping>& mappings);
    // The same of what was heard in the order of time: it serves also where another file is mapped by now. No two overlap.
    void heard(const ProcessId& process, const std::vector<Mapping>& mappings);

    // That has been mapped there. True when another file was there until now: names and stacks are of the new one from here on.
    bool mapped(const ProcessId& process, const Mapping& mapping);

    // The frame at `address` of the process: an instruction (the leaf) or a return address. Interned in
    // tables; the unknown frame only when the address is 0.
    [[nodiscard]] FrameId resolve(const ProcessId& process, std::uint64_t address, Tables& tables);
    [[nodiscard]] FrameId resolve_return(const ProcessId& process, std::uint64_t address, Tables& tables);
    // The same with what was inlined there: innermost first, at least one. Valid until the next call.
    [[nodiscard]] std::span<const FrameId> resolve_all(const ProcessId& process, std::uint64_t address, Tables& tables);

    // Another number: frames may have got names that they did not have before (a debuginfod answered).
    [[nodiscard]] std::uint64_t generation();
    // Whether there may ever be another.
    [[nodiscard]] bool awaits_names() const;
    // What was fetched from debuginfods so far.
    [[nodiscard]] std::vector<Fetch> fetches() const;
    [[nodiscard]] SymbolCounts counts() const;

    // Kernel text; /proc/kallsyms is read at the first call.
    [[nodiscard]] FrameId resolve_kernel(std::uint64_t address, Tables& tables);

    // The executable mapping that holds the address; null when none does. For addresses that were executed:
    // one that is nowhere makes the mappings be read again. Valid until the next call.
    [[nodiscard]] const Mapping* mapping_at(const ProcessId& process, std::uint64_t address);

    // All executable mappings of the process as last read. Valid until the next call.
    [[nodiscard]] const ProcessMaps& maps(const ProcessId& process);
    // The same, with the files that are mapped.
    [[nodiscard]] const ProcessSnapshot& snapshot(const ProcessId& process);

    // The address at which `symbol` of the mapped file lies in this process.
    [[nodiscard]] std::optional<std::uint64_t> address_of(const ProcessId& process, const Mapping& mapping,
                                                          const std::string& symbol);
    // The same of a function, from its first byte to behind its last.
    struct Range {
        std::uint64_t start = 0;
        std::uint64_t end = 0;
        [[nodiscard]] bool contains(std::uint64_t address) const { return start <= address && address < end; }
    };
    [[nodiscard]] std::optional<Range> range_of(const ProcessId& process, const Mapping& mapping,
                                                const std::string& function);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::symbols
