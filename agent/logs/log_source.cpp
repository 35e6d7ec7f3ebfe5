#include "agent/logs/log_source.hpp"

#include <algorithm>
#include <ctime>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "agent/logs/call_database.hpp"
#include "agent/logs/growing_file.hpp"
#include "agent/logs/line_splitter.hpp"
#include "agent/logs/log_events.hpp"
#include "agent/logs/trace_timeline.hpp"

namespace autotune {
namespace {

using namespace logs;

constexpr Nanos kLookAgain = std::chrono::milliseconds(100);
constexpr std::size_t kRowsAtOnce = 10'000;

// Where lines end up: events, or problems.
struct Sink {
    EventBatch& batch;
    Timestamp now;
    std::uint64_t& invocations;
    std::vector<std::string>& problems;
    std::uint64_t skipped = 0;

    void refuse(const std::string& where, const std::string& why) {
        ++skipped;
        if (problems.size() < LogSource::kMostProblems) problems.push_back(where + ": " + why);
    }
};

class CallLines {
public:
    void add(const std::string& where, const std::string& text, Sink& sink) const {
        if (text.empty()) return;
        const auto call = parse_call_line(text);
        if (!call) return sink.refuse(where, call.error().message);
        tell_call(*call, ++sink.invocations, sink.now, sink.batch);
    }
    void finish(Sink&) {}
};

class TraceLines {
public:
    TraceLines(std::string file_name, const Clock& clock) : file_name_(std::move(file_name)), clock_(&clock) {}

    void add(const std::string& where, const std::string& text, Sink& sink) {
        if (text.empty()) return;
        const auto line = parse_trace_line(text);
        if (!line) {
            if (!may_continue_) sink.refuse(where, line.error().message);
            return;
        }
        if (!timeline_) begin(sink);
        may_continue_ = std::holds_alternative<ExceptionLine>(*line);  // its message may have several lines
        if (const auto s = timeline_->add(*line, sink.batch); !s) sink.refuse(where, s.error().message);
    }
    void finish(Sink& sink) {
        if (timeline_) timeline_->finish(sink.batch);
        timeline_.reset();
    }

private:
    void begin(Sink& sink) {
        const auto name = parse_trace_log_name(file_name_);
        Timestamp start = sink.now;
        if (name) {
            std::tm local{};
            local.tm_year = name->year - 1900;
            local.tm_mon = name->month - 1;
            local.tm_mday = name->day;
            local.tm_hour = name->hour;
            local.tm_min = name->minute;
            local.tm_isdst = -1;
            const WallTime told(std::chrono::seconds(std::mktime(&local)));
            start = std::clamp(sink.now - (clock_->wall() - told), Timestamp{}, sink.now);
        }
        const std::uint64_t ordinal = ++sink.invocations;
        timeline_.emplace(TraceTimeline::Identity{.function = name ? name->function : file_name_,
                                                  .id = InvocationId(name ? name->id : std::to_string(ordinal)),
                                                  .ordinal = ordinal},
                          start);
    }

    std::string file_name_;
    const Clock* clock_;
    std::optional<TraceTimeline> timeline_;
    bool may_continue_ = false;
};

// A file of lines.
class TextLog {
public:
    TextLog(GrowingFile file, std::variant<CallLines, TraceLines> kind)
        : file_(std::move(file)), kind_(std::move(kind)) {}

    // Errors: corrupt, unavailable.
    Result<bool> read(Sink& sink) {  // true: there may be more at once
        if (file_.began_anew()) {
            end(sink);
            splitter_ = {};
        }
        auto bytes = file_.read();
        if (!bytes) return bytes.forward();
        add(splitter_.add(*bytes), sink);
        return !bytes->empty();
    }
    void end(Sink& sink) {
        add(splitter_.rest(), sink);
        if (file_.is_cut() && !std::exchange(told_cut_, true))
            sink.refuse(file_.path().string(), "it ends in the middle of its compressed data");
        std::visit([&](auto& lines) { lines.finish(sink); }, kind_);
    }

private:
    void add(const std::vector<Line>& lines, Sink& sink) {
        for (const Line& line : lines) {
            const std::string where = file_.path().string() + ":" + std::to_string(line.number);
            if (line.is_too_long)
                sink.refuse(where, "the line is longer than " + std::to_string(LineSplitter::kLongest) + " bytes");
            else
                std::visit([&](auto& kind) { kind.add(where, line.text, sink); }, kind_);
        }
    }

    GrowingFile file_;
    LineSplitter splitter_;
    bool told_cut_ = false;
    std::variant<CallLines, TraceLines> kind_;
};

class DatabaseLog {
public:
    DatabaseLog(std::string name, CallDatabase database) : name_(std::move(name)), database_(std::move(database)) {}

    Result<bool> read(Sink& sink) {
        const auto rows = database_.read(kRowsAtOnce);
        if (!rows) return rows.forward();
        for (const LoggedRow& row : *rows) {
            if (row.call)
                tell_call(*row.call, ++sink.invocations, sink.now, sink.batch);
            else
                sink.refuse(name_ + ": row " + std::to_string(row.number), row.call.error().message);
        }
        return !rows->empty();
    }
    void end(Sink&) {}

private:
    std::string name_;
    CallDatabase database_;
};

using Log = std::variant<TextLog, DatabaseLog>;

Result<Log> open_log(const std::filesystem::path& path, LogFormat format, const Clock& clock) {
    if (format == LogFormat::by_content) {
        auto file = GrowingFile::open(path);
        if (!file) return file.forward();
        const auto beginning = file->read();
        if (!beginning) return beginning.forward();
        format = log_format_of(path.filename().string(), *beginning).value_or(LogFormat::call_csv);
    }
    if (format == LogFormat::call_sqlite) {
        auto database = CallDatabase::open(path);
        if (!database) return database.forward();
        return Log(DatabaseLog(path.string(), *std::move(database)));
    }
    auto file = GrowingFile::open(path);
    if (!file) return file.forward();
    if (format == LogFormat::trace) return Log(TextLog(*std::move(file), TraceLines(path.filename().string(), clock)));
    return Log(TextLog(*std::move(file), CallLines{}));
}

}  // namespace

std::optional<LogFormat> log_format_of(std::string_view file_name, std::string_view beginning) {
    if (beginning.starts_with("SQLite format 3")) return LogFormat::call_sqlite;
    if (parse_trace_log_name(file_name)) return LogFormat::trace;
    const std::string_view line = beginning.substr(0, beginning.find('\n'));
    if (parse_trace_line(line)) return LogFormat::trace;
    if (parse_call_line(line)) return LogFormat::call_csv;
    return std::nullopt;
}

bool looks_like_log(const std::filesystem::path& path) {
    auto file = GrowingFile::open(path);
    if (!file) return false;
    const auto beginning = file->read();
    return beginning && log_format_of(path.filename().string(), *beginning);
}

class LogSource::Impl {
public:
    explicit Impl(LogSourceOptions options) : options_(std::move(options)) {
        if (options_.clock == nullptr) options_.clock = &system_clock_;
    }

    Status start() {
        if (options_.files.empty()) return fail(Errc::invalid_argument, "no log file was named");
        logs_.clear();
        for (const auto& path : options_.files) {
            auto log = open_log(path, options_.format, *options_.clock);
            if (!log) return log.forward();
            logs_.push_back(*std::move(log));
        }
        return ok();
    }

    Result<Poll> poll(Nanos wait, EventBatch& batch) {
        const Timestamp deadline = options_.clock->now() + wait;
        for (;;) {
            const std::size_t before = batch.events.size();
            auto more = read_all(batch);
            if (!more) return more.forward();
            if (batch.events.size() > before) return Poll{.state = PollState::ready};
            if (*more) continue;
            if (options_.end == LogEnd::ends) {
                if (auto s = finish(batch); !s) return s.forward();
                return Poll{.state = batch.events.size() > before ? PollState::ready : PollState::ended};
            }
            const Nanos left = deadline - options_.clock->now();
            if (left <= Nanos(0)) return Poll{};
            std::this_thread::sleep_for(std::min(left, kLookAgain));
        }
    }

    Status finish(EventBatch& batch) {
        Sink sink = make_sink(batch);
        for (Log& log : logs_) std::visit([&](auto& one) { one.end(sink); }, log);
        tell_skipped(sink);
        return ok();
    }

    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

private:
    Sink make_sink(EventBatch& batch) { return {batch, options_.clock->now(), invocations_, problems_}; }

    Result<bool> read_all(EventBatch& batch) {
        bool more = false;
        Sink sink = make_sink(batch);
        for (Log& log : logs_) {
            auto read = std::visit([&](auto& one) { return one.read(sink); }, log);
            if (!read) return read.forward();
            more |= *read;
        }
        tell_skipped(sink);
        return more;
    }

    void tell_skipped(Sink& sink) {
        if (sink.skipped == 0) return;
        skipped_ += sink.skipped;
        sink.batch.events.push_back({.at = sink.now,
                                     .process = {},
                                     .by = Backend::provider_log,
                                     .body = Lost{LossKind::undecodable, sink.skipped}});
        sink.skipped = 0;
    }

    LogSourceOptions options_;
    SystemClock system_clock_;
    std::vector<Log> logs_;
    std::uint64_t invocations_ = 0;
    std::vector<std::string> problems_;
    std::uint64_t skipped_ = 0;
};

LogSource::LogSource(LogSourceOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
LogSource::~LogSource() = default;
Status LogSource::start() { return impl_->start(); }
Result<Poll> LogSource::poll(Nanos wait, EventBatch& batch) { return impl_->poll(wait, batch); }
Status LogSource::finish(EventBatch& batch) { return impl_->finish(batch); }
const std::vector<std::string>& LogSource::problems() const { return impl_->problems(); }
std::uint64_t LogSource::skipped() const { return impl_->skipped(); }

}  // namespace autotune
