#include "agent/symbols/module_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "agent/symbols/debug_files.hpp"
#include "agent/symbols/spare_memory.hpp"

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxFiles = 1024;  // descriptors are a bounded good too
constexpr off_t kMaxFileSize = off_t{4} << 30;

std::string key_of(const FileIdentity& f, const std::string& build_id) {
    if (!build_id.empty()) return build_id;
    return std::to_string(f.device) + ":" + std::to_string(f.inode) + ":" + std::to_string(f.modified_ns) + ":" +
           std::to_string(f.size);
}

Fd copy_of(const Fd& fd) { return Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

}  // namespace

std::optional<FileIdentity> identity_of(int fd) {
    struct stat s {};
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size > kMaxFileSize) return std::nullopt;
    return FileIdentity{.device = s.st_dev,
                        .inode = s.st_ino,
                        .modified_ns = s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec,
                        .size = static_cast<std::uint64_t>(s.st_size)};
}

ModuleCache::ModuleCache(std::size_t max_bytes, DebuginfodOptions debuginfod)
    : max_bytes_(max_bytes), debuginfod_(std::make_unique<Debuginfod>(debuginfod)) {}

void ModuleCache::pin(const FileIdentity& file, Fd fd, FilePlace place) {
    if (files_.contains(file)) return;
    file_uses_.push_front(file);
    files_.emplace(file, File{std::move(fd), std::move(place), {}, file_uses_.begin()});
    if (files_.size() <= kMaxFiles) return;
    ++counts_.unpinned;
    files_.erase(file_uses_.back());
    file_uses_.pop_back();
}

const ElfImage* ModuleCache::image(const FileIdentity& file) {
    Build* build = build_of(file);
    return build != nullptr ? &build->image : nullptr;
}

std::vector<CodePlace> ModuleCache::places(const FileIdentity& file, std::uint64_t address) {
    Build* build = build_of(file);
    if (build == nullptr) return {};
    if (build->dwarf) {
        auto lines = DebugLines::open(std::move(build->dwarf), max_bytes_ / 2);
        build->dwarf = Fd();
        if (lines)
            build->lines.emplace(*std::move(lines));
        else if (lines.error().code == Errc::resource_exhausted)
            ++counts_.no_room;
        else if (lines.error().code == Errc::corrupt)
            ++counts_.corrupt;
    }
    if (!build->lines) return {};
    const std::uint64_t damaged = build->lines->damaged();
    auto places = build->lines->at(address);
    counts_.damaged += build->lines->damaged() - damaged;
    account(*build);
    shrink();
    return places;
}

std::uint64_t ModuleCache::generation() {
    if (debuginfod_->answered() == answered_) return generation_;
    answered_ = debuginfod_->answered();
    for (auto& [key, build] : builds_) {
        if (!build.awaited) continue;
        const auto answer = debuginfod_->ask(build.image.build_id());
        build.awaited = answer.state == Debuginfod::State::pending;
        if (answer.state != Debuginfod::State::here) continue;
        Fd fd(open(answer.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fd || read_build_id(fd.get()) != build.image.build_id()) continue;
        take_debug_file(build, std::move(fd));
        account(build);
        ++generation_;
    }
    shrink();
    return generation_;
}

ModuleCounts ModuleCache::counts() const {
    ModuleCounts counts = counts_;
    counts.bytes = bytes_;
    counts.builds = builds_.size();
    return counts;
}

ModuleCache::Build* ModuleCache::build_of(const FileIdentity& identity) {
    const auto found = files_.find(identity);
    if (found == files_.end()) return nullptr;
    File& file = found->second;
    file_uses_.splice(file_uses_.begin(), file_uses_, file.use);
    if (file.build.empty()) file.build = key_of(identity, read_build_id(file.fd.get()));
    const auto [at, fresh] = builds_.try_emplace(file.build);
    Build& build = at->second;
    if (!fresh) {
        build_uses_.splice(build_uses_.begin(), build_uses_, build.use);
        return &build;
    }
    build_uses_.push_front(file.build);
    build.use = build_uses_.begin();
    read(build, file);
    give_back_memory(identity.size);
    account(build);
    shrink();
    return &build;
}

void ModuleCache::read(Build& build, File& file) {
    auto image = ElfImage::read(file.fd.get());
    if (!image) {
        ++counts_.corrupt;
        return;
    }
    counts_.cut += image->is_cut() ? 1 : 0;
    build.image = std::move(*image);
    if (build.image.has_dwarf()) build.dwarf = copy_of(file.fd);
    if (build.image.has_full_table() && build.image.has_dwarf()) return;
    StrippedFile stripped{.root = file.place.root,
                          .path = file.place.path,
                          .build_id = build.image.build_id(),
                          .link = build.image.debug_link()};
    Fd debug = open_debug_file(stripped);
    // The process may be gone, and its root with it.
    if (!debug && !stripped.root.empty()) {
        stripped.root.clear();
        debug = open_debug_file(stripped);
    }
    if (debug)
        take_debug_file(build, std::move(debug));
    else if (!build.image.has_full_table() && !build.image.build_id().empty())
        build.awaited = debuginfod_->ask(build.image.build_id()).state != Debuginfod::State::absent;
    // An answer that was there at once is taken with the next look at generation().
    if (build.awaited) answered_ = ~std::uint64_t{0};
}

void ModuleCache::take_debug_file(Build& build, Fd fd) {
    auto full = ElfImage::read(fd.get());
    if (!full) {
        ++counts_.corrupt;
        return;
    }
    counts_.cut += full->is_cut() ? 1 : 0;
    if (full->has_dwarf() && !build.image.has_dwarf()) build.dwarf = std::move(fd);
    if (full->has_full_table() && !build.image.has_full_table()) build.image.adopt_functions(std::move(*full));
}

void ModuleCache::account(Build& build) {
    const std::size_t bytes = build.image.bytes() + (build.lines ? build.lines->bytes() : 0);
    bytes_ += bytes - build.bytes;
    build.bytes = bytes;
}

void ModuleCache::shrink() {
    // The one just used stays, however large it is; its parts are bounded by themselves.
    while (bytes_ > max_bytes_ && build_uses_.size() > 1) {
        const auto oldest = builds_.find(build_uses_.back());
        bytes_ -= oldest->second.bytes;
        builds_.erase(oldest);
        build_uses_.pop_back();
        ++counts_.evicted;
    }
}

}  // namespace autotune::symbols
