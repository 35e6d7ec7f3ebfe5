// Where distributions put the symbols and the DWARF of stripped files, and whether what lies there is theirs.
//
// By build id (ROOT/usr/lib/debug/.build-id/12/3456….debug), then by .gnu_debuglink (beside the file, in .debug beside
// it, below ROOT/usr/lib/debug). What is found is taken only when its build id is the file's own or, where the file
// has none, the whole's checksum is the one that the file names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.hpp"

namespace autotune::symbols {

struct DebugLink {
    std::string name;  // of the file, without folders; "": none
    std::uint32_t checksum = 0;
};

// The contents of a section .gnu_debuglink; without a name when they are damaged.
[[nodiscard]] DebugLink parse_debug_link(std::string_view section);

struct StrippedFile {
    std::string root;      // before all paths: "" or "/proc/PID/root"
    std::string path;      // the file's, below the root
    std::string build_id;  // hex, or ""
    DebugLink link;
};

// In the order in which they are tried.
[[nodiscard]] std::vector<std::string> debug_file_places(const StrippedFile& file);

// The first that is there and belongs to the file; an empty Fd when none does.
[[nodiscard]] Fd open_debug_file(const StrippedFile& file);

}  // namespace autotune::symbols
