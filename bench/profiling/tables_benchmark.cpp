// How large unwinding tables are: of libraries that most programs map, bytes for a megabyte of text, beside four bytes a
// row, the least that a row with an address and a recipe can have. And what the recipes that all share come to.
//
//   profiling_tables_benchmark [FILE…]      one JSON line a row; status 3 when the bar is missed
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "agent/unwind/elf_frames.hpp"
#include "agent/unwind/unwind_table.hpp"
#include "os/fd.hpp"

using namespace autotune;

namespace {

// Bytes of executable segments.
std::uint64_t text_bytes(int fd) {
    Elf64_Ehdr header;
    std::uint64_t total = 0;
    if (pread(fd, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) return 0;
    for (int i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        const auto at = static_cast<off_t>(header.e_phoff + static_cast<std::uint64_t>(i) * header.e_phentsize);
        if (pread(fd, &segment, sizeof segment, at) != static_cast<ssize_t>(sizeof segment)) return 0;
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) total += segment.p_filesz;
    }
    return total;
}

struct Sum {
    std::uint64_t text = 0;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
};

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> files(argv + 1, argv + argc);
    if (files.empty())
        for (const char* name : {"libc.so.6", "libstdc++.so.6", "libcrypto.so.3", "libssl.so.3", "libm.so.6",
                                 "libsqlite3.so.0", "ld-linux-x86-64.so.2"})
            files.push_back(std::string("/lib/x86_64-linux-gnu/") + name);
    if (argc == 1) files.insert(files.end(), {"/usr/bin/python3", "/usr/bin/node"});
    unwind::RecipeBook book;
    Sum all;
    for (const std::string& file : files) {
        const Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
        const auto read = fd ? unwind::read_elf_frames(fd.get()) : Result<unwind::ElfFrames>(fail(Errc::not_found, "not here"));
        if (!read) {
            std::fprintf(stderr, "     %s: left out, %s\n", file.c_str(), read.error().message.c_str());
            continue;
        }
        const unwind::UnwindTable table = unwind::pack(read->frames.rows, book);
        const std::uint64_t text = text_bytes(fd.get());
        std::fprintf(stderr, "     %-42s %7.2f MB of text, %8zu rows, %9zu bytes, %7.0f a MB\n", file.c_str(),
                     static_cast<double>(text) / 1e6, table.rows.size(), table.bytes(),
                     static_cast<double>(table.bytes()) / (static_cast<double>(text) / 1e6));
        all.text += text;
        all.rows += table.rows.size();
        all.bytes += table.bytes();
    }
    if (all.text == 0) return 1;
    const std::uint64_t recipes = book.recipes().size() * sizeof(unwind::Recipe);
    const double megabytes = static_cast<double>(all.text) / 1e6;
    const double ours = static_cast<double>(all.bytes + recipes) / megabytes;
    const double least = static_cast<double>(4 * all.rows) / megabytes;
    constexpr double kBar = 1.02;  // of four bytes a row: pages and recipes are next to nothing
    std::printf("{\"name\": \"unwinding tables, bytes a MB of text\", \"bar\": %.1f, \"ours\": %.1f, \"peer\": %.1f, \"ratio\": %.4f}\n",
                kBar * least, ours, least, ours / least);
    std::fprintf(stderr, "%s unwinding tables: %.0f bytes a MB of text, %.4f of four bytes a row (%zu recipes, %.1f MB of text)\n",
                 ours <= kBar * least ? "ok  " : "MISS", ours, ours / least, book.recipes().size(), megabytes);
    return ours <= kBar * least ? 0 : 3;
}
