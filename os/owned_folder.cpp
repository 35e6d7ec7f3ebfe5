#include "os/owned_folder.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "os/file.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "autotune-";
constexpr std::size_t kRandom = 6;
constexpr const char* kOwner = "/.owner";
constexpr std::string_view kMagic = "autotune: removed when nobody holds a lock on this\n";

// It appears locked: nobody finds it before.
Result<Fd> lock_for_us(const std::string& folder) {
    const std::string hidden = folder + "/.owner-to-be";
    Fd file(::open(hidden.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const bool made = file && ::write(file.get(), kMagic.data(), kMagic.size()) == static_cast<ssize_t>(kMagic.size()) &&
                      ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::rename(hidden.c_str(), (folder + kOwner).c_str()) == 0;
    if (!made) return unexpected(errno_error("making a file in " + folder, errno));
    return file;
}

bool is_our_name(std::string_view name) {
    return name.size() == kPrefix.size() + kRandom && name.starts_with(kPrefix) &&
           std::all_of(name.begin() + kPrefix.size(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

// The lock of a folder of ours whose owner is dead; none where there is any doubt.
Fd take_over(const std::string& folder) {
    struct stat place {};
    if (::lstat(folder.c_str(), &place) != 0 || !S_ISDIR(place.st_mode)) return {};
    Fd file(::open((folder + kOwner).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) return {};
    // Of another user's folder (rings of a program that we traced as root) the file in it is still ours.
    const uid_t us = ::geteuid();
    if (info.st_uid != us || (place.st_uid != us && us != 0)) return {};
    char text[128];
    const ssize_t got = ::read(file.get(), text, sizeof text);
    if (got < 0 || std::string_view(text, static_cast<std::size_t>(got)) != kMagic) return {};
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return {};
    return file;
}

// A program that outlived its tracer starts others that want our libraries; its ring can be read again.
bool is_used(const std::string& folder) {
    std::error_code error;
    for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
        if (std::isdigit(static_cast<unsigned char>(it->path().filename().c_str()[0])) == 0) continue;
        for (const char* file : {"environ", "maps"})
            if (read_file(it->path() / file).value_or("").find(folder) != std::string::npos) return true;
    }
    return false;
}

void remove_stale(const std::string& place) {
    std::error_code error;
    for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error)) {
        const std::string folder = it->path();
        if (!is_our_name(it->path().filename().native())) continue;
        const Fd lock = take_over(folder);
        std::error_code ignored;
        if (lock && !is_used(folder)) fs::remove_all(folder, ignored);
    }
}

}  // namespace

Result<OwnedFolder> OwnedFolder::make(const std::string& place) {
    remove_stale(place);
    OwnedFolder made;
    std::string path = place + "/" + std::string(kPrefix) + std::string(kRandom, 'X');
    if (::mkdtemp(path.data()) == nullptr) return unexpected(errno_error("making a folder in " + place, errno));
    made.path_ = path;
    auto lock = lock_for_us(path);
    if (!lock) return lock.forward();
    made.lock_ = *std::move(lock);
    return made;
}

OwnedFolder::OwnedFolder(OwnedFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

OwnedFolder& OwnedFolder::operator=(OwnedFolder&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(lock_, other.lock_);
    return *this;
}

OwnedFolder::~OwnedFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace autotune
