// SandboxLog: what a sandbox's processes print and what the platform adds, in order.
//
// Every line goes to a file with the time it arrived in front; the last 4 KiB of the current invocation
// are kept as printed, for LogType=Tail. A full disk costs log lines, never invocations.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "os/fd.hpp"

namespace autotune::host {

class SandboxLog {
public:
    static constexpr std::size_t kTail = 4096;  // bytes, Lambda's limit

    // Opens `file` for appending and makes its folders. REQUIRES: clock outlives the log.
    static Result<SandboxLog> open(const Clock& clock, const std::filesystem::path& file);

    // Bytes of the processes, in pieces of any size.
    void append(std::string_view output);
    // Whole lines of the platform; an unfinished line of a process is ended before.
    void append_line(std::string_view line_with_newline);

    void clear_tail() { tail_.clear(); }
    // At most kTail bytes, the newest.
    [[nodiscard]] std::string tail() const;
    [[nodiscard]] std::uint64_t bytes_lost() const { return lost_; }  // not written to the file

private:
    SandboxLog(const Clock& clock, Fd file) : clock_(&clock), file_(std::move(file)) {}
    void write_file(std::string_view stamped);

    const Clock* clock_;
    Fd file_;
    std::string tail_;
    std::uint64_t lost_ = 0;
    bool at_line_start_ = true;
};

// Where CloudWatch would put it: "2026/11/21/[$LATEST]0123…cdef".
[[nodiscard]] std::string log_stream_name(WallTime at, std::string_view version, std::string_view sandbox_id);

// Removes the logs below `folder` that nothing was written to for `age`, and folders that are empty then. What
// cannot be removed stays.
void remove_old_logs(const std::filesystem::path& folder, std::chrono::hours age);

}  // namespace autotune::host
