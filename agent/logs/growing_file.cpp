#include "agent/logs/growing_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>

namespace autotune::logs {
namespace {

constexpr std::size_t kChunk = 1u << 20;

}  // namespace

Result<GrowingFile> GrowingFile::open(std::filesystem::path path) {
    GrowingFile file(std::move(path));
    if (auto s = file.reopen(); !s) return s.forward();
    return file;
}

Status GrowingFile::reopen() {
    const std::string name = path_.string();
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return unexpected(errno_error("reading " + name, errno));
    struct stat facts {};
    if (fstat(fd, &facts) != 0 || S_ISDIR(facts.st_mode)) {
        close(fd);
        return fail(Errc::invalid_argument, "reading " + name + ": Is a directory");
    }
    gzFile opened = gzdopen(fd, "rb");
    if (opened == nullptr) {
        close(fd);
        return fail(Errc::resource_exhausted, "reading " + name + ": no memory");
    }
    stream_ = std::shared_ptr<gzFile_s>(opened, gzclose_r);
    device_ = facts.st_dev;
    inode_ = facts.st_ino;
    size_ = static_cast<std::uint64_t>(facts.st_size);
    return ok();
}

bool GrowingFile::began_anew() {
    struct stat facts {};
    if (stat(path_.c_str(), &facts) != 0) return false;  // gone for now: what we hold is still ours
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    const bool is_same = facts.st_dev == device_ && facts.st_ino == inode_ && size >= size_;
    if (!is_same) return reopen().has_value();
    size_ = size;
    return false;
}

Result<std::string> GrowingFile::read() {
    std::string bytes(kChunk, '\0');
    gzclearerr(stream_.get());  // the end that it saw may not be the end any more
    const int got = gzread(stream_.get(), bytes.data(), static_cast<unsigned>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max(got, 0)));
    int code = Z_OK;
    const char* why = gzerror(stream_.get(), &code);
    is_cut_ = code == Z_BUF_ERROR;
    if (got >= 0) return bytes;
    if (code == Z_ERRNO) return unexpected(errno_error("reading " + path_.string(), errno));
    return fail(Errc::corrupt, path_.string() + ": " + why);
}

}  // namespace autotune::logs
