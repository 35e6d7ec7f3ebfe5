// LogSource: what Snafu has written down, as Events: its CSV and SQLite call logs give invocations, the logs of its
// executor python3trace every call, too. Plain files are followed as they grow; a .gz is what it is.
//
// A call log has no times: an invocation ends when its line is read, and began its duration before. Of a trace log
// the beginning is the minute in its name, or the moment it is read; see trace_timeline.hpp for the rest.
//
// A line that cannot be read is skipped, kept as a problem (the first kMostProblems), and counted as Lost.
// What needs live processes (Detail) changes nothing. One thread uses it at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event_source.hpp"
#include "core/time.hpp"

namespace autotune {

enum class LogFormat : std::uint8_t {
    by_content,  // SQLite by its first bytes, trace logs by name or first line, else CSV
    call_csv,
    call_sqlite,
    trace,
};

enum class LogEnd : std::uint8_t {
    ends,      // `ended` at the end of all files
    followed,  // idle there: they may grow
};

struct LogSourceOptions {
    std::vector<std::filesystem::path> files;
    LogFormat format = LogFormat::by_content;
    LogEnd end = LogEnd::followed;
    const Clock* clock = nullptr;  // null: the system's
};

class LogSource final : public EventSource {
public:
    static constexpr std::size_t kMostProblems = 100;

    explicit LogSource(LogSourceOptions options);
    ~LogSource() override;

    // Errors: invalid_argument without a file; not_found, permission_denied, corrupt: with the file's name.
    Status start() override;
    Status focus(const Detail&) override { return ok(); }
    Result<Poll> poll(Nanos wait, EventBatch& batch) override;
    Status finish(EventBatch& batch) override;

    // "FILE:LINE: what is wrong", for people.
    [[nodiscard]] const std::vector<std::string>& problems() const;
    [[nodiscard]] std::uint64_t skipped() const;  // lines

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// Of a file with that name which begins with these bytes (uncompressed); nullopt when it looks like none. Pure.
[[nodiscard]] std::optional<LogFormat> log_format_of(std::string_view file_name, std::string_view beginning);
// Does it look like a log? False, too, when it cannot be read.
[[nodiscard]] bool looks_like_log(const std::filesystem::path& path);

}  // namespace autotune
