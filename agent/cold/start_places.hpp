// StartPlaces: where in a program's file its start can be marked: the first instruction, and of CPython where the main
// program comes, where modules are imported, where a module's own code is run.
//
// Imports are told by the interpreter's own probes (USDT import__find__load__start and …__done), where it was built with
// them, as Debian's is. Functions are marked where that is cheap (agent/native/probe_site.hpp). Errors and corrupt files give fewer places, never a crash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.hpp"

namespace autotune::cold {

struct ImportProbe {
    std::uint64_t offset = 0;     // in the file
    std::uint64_t semaphore = 0;  // in the file; 0: none
    std::uint32_t name_register = 0;  // enum at_cold_register: the address of the module's name
};

struct StartPlaces {
    std::optional<std::uint64_t> entry;  // file offsets, all
    std::optional<std::uint64_t> run_main;
    std::optional<std::uint64_t> eval_code;
    std::optional<ImportProbe> import_begins, import_ends;
    std::uint32_t code_file = 0;  // offset of a code object's file name; 0: this version is not known
    std::uint32_t text = 0;       // offset of a string's characters
};

// Errors: not_found, permission_denied, corrupt.
[[nodiscard]] Result<StartPlaces> find_start_places(const std::string& path);

// The library that is the interpreter of a Python that is not all in one file: where the dynamic linker finds it, by the
// file's own search path, `library_path` (LD_LIBRARY_PATH) and the system's folders. "" when it has none.
[[nodiscard]] std::string interpreter_library(const std::string& path, const std::string& library_path = "");

}  // namespace autotune::cold
