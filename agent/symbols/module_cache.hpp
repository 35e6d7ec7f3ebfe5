// ModuleCache: symbol tables of files, by the file's identity, within a bound of memory.
//
// A file is opened when a process that maps it is first seen, and read when the first address in it is
// asked for; until then the cache keeps the descriptor, so the file may be deleted or its process end.
// Past the bound the least recently used tables go; they can be read again only by opening anew. One thread.
#pragma once

#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

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

class ModuleCache {
public:
    explicit ModuleCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // Takes the descriptor if the file is new. `debug_root`: where separate debug files are looked for,
    // a root directory ("" or "/proc/PID/root").
    void pin(const FileIdentity& file, Fd fd, const std::string& debug_root);

    // The file's symbols; an empty image when it is corrupt. Null when it was never pinned or has been
    // dropped. Valid until the next call.
    [[nodiscard]] const ElfImage* image(const FileIdentity& file);

    [[nodiscard]] bool has(const FileIdentity& file) const { return modules_.contains(file); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    struct Module {
        Fd fd;
        std::string debug_root;
        std::unique_ptr<ElfImage> image;
        std::list<FileIdentity>::iterator use;
    };
    void load(Module& module);
    void shrink();

    std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    std::map<FileIdentity, Module> modules_;
    std::list<FileIdentity> uses_;  // most recent first
};

}  // namespace autotune::symbols
