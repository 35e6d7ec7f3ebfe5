#include "agent/symbols/jit_symbols.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include "os/fd.hpp"

namespace autotune::symbols {

namespace {
constexpr std::uint64_t kMaxSize = 64u << 20;

std::string read_all(int fd, std::uint64_t size) {
    std::string text(size, '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const ssize_t got = read(fd, text.data() + have, text.size() - have);
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}
}  // namespace

std::string_view JitSymbols::find(std::uint64_t address, const std::string& path,
                                  const std::string& fallback) {
    if (const auto known = map_.find(address); !known.empty()) return known;
    refresh(path);
    if (map_.size() == 0) refresh(fallback);
    return map_.find(address);
}

void JitSymbols::refresh(const std::string& path) {
    // The process may have put anything there: never block on a fifo, never follow a link out.
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    struct stat s {};
    if (!fd || fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return;
    const auto size = static_cast<std::uint64_t>(s.st_size);
    const std::int64_t modified = s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec;
    if (size > kMaxSize || (size == size_ && modified == modified_ns_)) return;
    size_ = size;
    modified_ns_ = modified;
    map_ = PerfMap::parse(read_all(fd.get(), size));
}

FrameKind jit_kind(std::string_view name, bool process_has_jvm) {
    static constexpr std::array kNode{"JS:",     "LazyCompile:", "Function:", "Builtin:", "BytecodeHandler:",
                                      "Script:", "Eval:",        "Stub:",     "RegExp:",  "Handler:"};
    for (const std::string_view prefix : kNode)
        if (name.starts_with(prefix)) return FrameKind::node;
    return process_has_jvm ? FrameKind::jvm : FrameKind::native;
}

}  // namespace autotune::symbols
