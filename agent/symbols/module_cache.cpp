#include "agent/symbols/module_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace autotune::symbols {

namespace {
constexpr std::size_t kMaxPinned = 2048;  // descriptors are a bounded good too
constexpr off_t kMaxFileSize = off_t{4} << 30;

// Debian's and Fedora's place for separate debug files.
std::string debug_path(const std::string& root, const std::string& build_id) {
    return root + "/usr/lib/debug/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug";
}
}  // namespace

std::optional<FileIdentity> identity_of(int fd) {
    struct stat s {};
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size > kMaxFileSize) return std::nullopt;
    return FileIdentity{.device = s.st_dev,
                        .inode = s.st_ino,
                        .modified_ns = s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec,
                        .size = static_cast<std::uint64_t>(s.st_size)};
}

void ModuleCache::pin(const FileIdentity& file, Fd fd, const std::string& debug_root) {
    if (modules_.contains(file)) return;
    uses_.push_front(file);
    modules_.emplace(file, Module{std::move(fd), debug_root, nullptr, uses_.begin()});
    shrink();
}

const ElfImage* ModuleCache::image(const FileIdentity& file) {
    const auto found = modules_.find(file);
    if (found == modules_.end()) return nullptr;
    Module& module = found->second;
    uses_.splice(uses_.begin(), uses_, module.use);
    if (!module.image) {
        load(module);
        bytes_ += module.image->bytes();
        shrink();
    }
    return module.image.get();
}

void ModuleCache::load(Module& module) {
    module.image = std::make_unique<ElfImage>();
    auto read = ElfImage::read(module.fd.get());
    module.fd.close();
    if (!read) return;
    *module.image = std::move(*read);
    const std::string& id = module.image->build_id();
    if (module.image->has_full_table() || id.size() < 4) return;
    const Fd debug(open(debug_path(module.debug_root, id).c_str(), O_RDONLY | O_CLOEXEC));
    if (!debug) return;
    auto full = ElfImage::read(debug.get());
    if (full && full->build_id() == id && full->has_full_table())
        module.image->adopt_functions(std::move(*full));
}

void ModuleCache::shrink() {
    // The one just used stays, however large it is.
    while ((bytes_ > max_bytes_ || modules_.size() > kMaxPinned) && uses_.size() > 1) {
        const auto oldest = modules_.find(uses_.back());
        if (oldest->second.image) bytes_ -= oldest->second.image->bytes();
        modules_.erase(oldest);
        uses_.pop_back();
    }
}

}  // namespace autotune::symbols
