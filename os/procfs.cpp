#include "os/procfs.hpp"

#include <system_error>

#include "os/file.hpp"

namespace autotune {

Result<std::string> Procfs::link(const std::filesystem::path& path) {
    std::error_code error;
    auto target = std::filesystem::read_symlink(path, error);
    if (error) return unexpected(errno_error("reading " + path.string(), error.value()));
    return target.string();
}

Result<std::string> Procfs::environment(pid_t pid) const { return read_file(of(pid) / "environ"); }

Result<std::string> Procfs::descriptor(pid_t pid, int fd) const {
    return link(of(pid) / "fd" / std::to_string(fd));
}

Result<std::string> Procfs::working_directory(pid_t pid) const { return link(of(pid) / "cwd"); }

}  // namespace autotune
