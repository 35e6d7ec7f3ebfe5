// ModuleCache: symbols and DWARF of files, by their build, within a bound of memory.
//
// A file is opened when a process that maps it is first seen, and read when the first address in it is asked for; the
// cache keeps the descriptor, so the file may be deleted or its process end. Copies of one build (a library in many
// containers) are read and held once. A stripped file's symbols come from .gnu_debugdata, from a separate debug file
// (debug_files.hpp), or from a debuginfod (later: then names change, see generation()). Past the bound the least
// recently used builds go, to be read again when they are asked for. One thread.
#pragma once

#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/symbols/debug_lines.hpp"
#include "agent/symbols/debuginfod.hpp"
#include "agent/symbols/elf_image.hpp"
#include "os/fd.hpp"

namespace autotune::symbols {

// A file's content, as far as its metadata tell: another mtime or size is another file.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    auto operator<=>(const FileIdentity&) const = default;
};

// Of an open file; nothing when it is no regular file.
[[nodiscard]] std::optional<FileIdentity> identity_of(int fd);

// How a file is mapped, for what lies beside it.
struct FilePlace {
    std::string root;  // before all paths: "" or "/proc/PID/root"
    std::string path;
};

struct ModuleCounts {
    std::uint64_t evicted = 0;      // builds that went to make room
    std::uint64_t corrupt = 0;      // files that could not be read
    std::uint64_t cut = 0;          // files of which some section was too large to be read
    std::uint64_t no_room = 0;      // files whose DWARF is larger than the room for it
    std::uint64_t damaged = 0;      // units of DWARF of which not everything could be read
    std::uint64_t unpinned = 0;     // files that were forgotten: too many were mapped at a time
    std::size_t bytes = 0;          // held
    std::size_t builds = 0;         // held
};

class ModuleCache {
public:
    explicit ModuleCache(std::size_t max_bytes, DebuginfodOptions debuginfod = {});

    // Takes the descriptor if the file is new.
    void pin(const FileIdentity& file, Fd fd, FilePlace place);

    // The file's symbols; an empty image when it is corrupt. Null when it was never pinned, or forgotten. Valid until
    // the next call.
    [[nodiscard]] const ElfImage* image(const FileIdentity& file);
    // The functions and lines at an address of the file's own, innermost first; empty when no DWARF tells.
    [[nodiscard]] std::vector<CodePlace> places(const FileIdentity& file, std::uint64_t address);

    // Another number: files may have got names that they did not have before.
    [[nodiscard]] std::uint64_t generation();
    // What was fetched for that.
    [[nodiscard]] std::vector<Fetch> fetches() const { return debuginfod_->fetches(); }

    [[nodiscard]] bool has(const FileIdentity& file) const { return files_.contains(file); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] ModuleCounts counts() const;

private:
    struct File {
        Fd fd;
        FilePlace place;
        std::string build;  // key of builds_; "" until it was read
        std::list<FileIdentity>::iterator use;
    };
    struct Build {
        ElfImage image;
        Fd dwarf;                           // until `lines` is there
        std::optional<DebugLines> lines;
        bool awaited = false;               // of the debuginfod
        std::size_t bytes = 0;
        std::list<std::string>::iterator use;
    };
    Build* build_of(const FileIdentity& file);
    void read(Build& build, File& file);
    void take_debug_file(Build& build, Fd fd);
    void account(Build& build);
    void shrink();

    std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    std::unique_ptr<Debuginfod> debuginfod_;
    std::uint64_t answered_ = 0;
    std::uint64_t generation_ = 0;
    ModuleCounts counts_;
    std::map<FileIdentity, File> files_;
    std::list<FileIdentity> file_uses_;  // most recent first
    std::map<std::string, Build> builds_;
    std::list<std::string> build_uses_;  // most recent first
};

}  // namespace autotune::symbols
