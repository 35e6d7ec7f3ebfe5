#include "host/sandbox/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace autotune::host {

Result<SandboxLog> SandboxLog::open(const Clock& clock, const std::filesystem::path& file) {
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error) return unexpected(errno_error("creating " + file.parent_path().string(), error.value()));
    Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!fd) return unexpected(errno_error("opening " + file.string(), errno));
    return SandboxLog(clock, std::move(fd));
}

void SandboxLog::append(std::string_view output) {
    if (output.empty()) return;
    const std::string stamp = to_rfc3339(clock_->wall()) + " ";
    std::string stamped;
    stamped.reserve(output.size() + 2 * stamp.size());
    for (std::string_view rest = output; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
        if (at_line_start_) stamped += stamp;
        stamped += rest.substr(0, end);
        at_line_start_ = rest[end - 1] == '\n';
        rest.remove_prefix(end);
    }
    write_file(stamped);

    tail_ += output.substr(output.size() - std::min(output.size(), kTail));
    if (tail_.size() > 2 * kTail) tail_.erase(0, tail_.size() - kTail);
}

void SandboxLog::append_line(std::string_view line) {
    if (!at_line_start_) append("\n");
    append(line);
}

std::string SandboxLog::tail() const { return tail_.substr(tail_.size() - std::min(tail_.size(), kTail)); }

void SandboxLog::write_file(std::string_view stamped) {
    while (!stamped.empty()) {
        const ssize_t n = ::write(file_.get(), stamped.data(), stamped.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            lost_ += stamped.size();
            return;
        }
        stamped.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::string log_stream_name(WallTime at, std::string_view version, std::string_view sandbox_id) {
    std::string date = to_rfc3339(at).substr(0, 10);
    std::replace(date.begin(), date.end(), '-', '/');
    return date + "/[" + std::string(version) + "]" + std::string(sandbox_id);
}

void remove_old_logs(const std::filesystem::path& folder, std::chrono::hours age) {
    namespace fs = std::filesystem;
    std::error_code error;
    const auto oldest = fs::file_time_type::clock::now() - age;
    std::vector<fs::path> folders;
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        std::error_code ignored;
        if (at->is_directory(ignored))
            folders.push_back(at->path());
        else if (at->is_regular_file(ignored) && at->last_write_time(ignored) < oldest)
            fs::remove(at->path(), ignored);
    }
    for (auto inner = folders.rbegin(); inner != folders.rend(); ++inner) fs::remove(*inner, error);  // empty ones only
}

}  // namespace autotune::host
