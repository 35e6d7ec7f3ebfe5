#include "agent/symbols/jit_symbols.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace autotune::symbols {

namespace {
constexpr std::size_t kBlock = 256u << 10;
constexpr std::size_t kMaxRead = 16u << 20;  // by one look-up: some 20 ms; the next one goes on
constexpr std::size_t kMaxName = 1024;
constexpr std::int64_t kClockSlack = 1'000'000'000;  // ns: the file's clock has ticks, and the process's is corrected
}  // namespace

std::string_view JitSymbols::find(std::uint64_t address, const std::string& path, const std::string& fallback,
                                  std::int64_t began_unix_ns) {
    if (const auto known = map_.find(address)) return name_at(*known);
    refresh(path, began_unix_ns);
    if (!file_) refresh(fallback, began_unix_ns);
    if (!file_) return {};
    read_more();
    const auto found = map_.find(address);
    return found ? name_at(*found) : std::string_view();
}

// Another file of that name is another map: a process that was started anew under this pid in its container.
void JitSymbols::refresh(const std::string& path, std::int64_t began_unix_ns) {
    // The process may have put anything there: never block on a fifo, never follow a link out.
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    struct stat s {};
    if (!fd || fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return;
    const std::int64_t written = std::int64_t{s.st_mtim.tv_sec} * 1'000'000'000 + s.st_mtim.tv_nsec;
    if (began_unix_ns != 0 && written + kClockSlack < began_unix_ns) {
        refused_ = true;
        return;
    }
    const bool same = file_ && device_ == s.st_dev && inode_ == s.st_ino;
    if (same && static_cast<std::uint64_t>(s.st_size) >= taken_) return;
    file_ = std::move(fd);
    device_ = s.st_dev;
    inode_ = s.st_ino;
    taken_ = 0;
    map_ = PerfMap();
}

void JitSymbols::read_more() {
    std::string block(kBlock, '\0');
    for (std::size_t done = 0; done < kMaxRead && taken_ < UINT32_MAX - kBlock;) {
        const ssize_t got = pread(file_.get(), block.data(), block.size(), static_cast<off_t>(taken_));
        if (got <= 0) return;
        const std::string_view text(block.data(), static_cast<std::size_t>(got));
        std::size_t used = map_.add(text, taken_);
        // No line is that long; and one that is still being written will be whole the next time.
        if (used == 0 && text.size() == kBlock) used = kBlock;
        if (used == 0) return;
        taken_ += static_cast<std::uint32_t>(used);
        done += used;
    }
}

std::string_view JitSymbols::name_at(std::uint32_t at) {
    name_.resize(kMaxName);
    const ssize_t got = pread(file_.get(), name_.data(), name_.size(), static_cast<off_t>(at));
    name_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    name_.resize(std::min(name_.find('\n'), name_.size()));
    return name_;
}

FrameKind jit_kind(std::string_view name, bool process_has_jvm) {
    static constexpr std::array kNode{"JS:",     "LazyCompile:", "Function:", "Builtin:", "BytecodeHandler:",
                                      "Script:", "Eval:",        "Stub:",     "RegExp:",  "Handler:"};
    for (const std::string_view prefix : kNode)
        if (name.starts_with(prefix)) return FrameKind::node;
    return process_has_jvm ? FrameKind::jvm : FrameKind::native;
}

}  // namespace autotune::symbols
