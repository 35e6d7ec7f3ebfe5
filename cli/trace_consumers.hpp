// TraceConsumers: everything that takes the events of a trace: the analysis, the recording, the timeline.
#pragma once

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/recording/writer.hpp"
#include "analyzer/trace/trace_builder.hpp"
#include "cli/call_filter.hpp"
#include "cli/own_files.hpp"
#include "cli/trace_request.hpp"
#include "core/trace.hpp"
#include "exporters/render/trace_chrome.hpp"

namespace autotune::cli {

// One thread. `request` must live as long.
class TraceConsumers {
public:
    explicit TraceConsumers(const TraceRequest& request) : request_(request), filter_(request.functions) {}

    // `own_folders`: see OwnFiles. Errors: a file that cannot be made.
    Status open(const TraceSetting& setting, std::vector<std::string> own_folders);
    // Empties the batch but for its tables.
    void take(EventBatch& batch);
    // The end: nothing is taken any more.
    void close(EventBatch& batch, const TraceSetting& setting);

    // Of the recording and the timeline. A disk that is full ends neither the tracing nor the report.
    [[nodiscard]] const Status& written() const { return written_; }
    [[nodiscard]] const Trace& trace() const { return trace_; }  // when closed
    // Watches of which nothing was seen, as people wrote them.
    [[nodiscard]] std::vector<std::string> idle_watches() const;
    [[nodiscard]] TraceBuilder::Progress progress() const { return builder_->progress(); }

private:
    [[nodiscard]] bool records() const { return recording_ && written_ && !reader_is_gone_; }
    [[nodiscard]] std::ostream& chrome_out();
    void record(const std::function<Status()>& write);
    void draw(const std::function<void()>& write);

    const TraceRequest& request_;
    CallFilter filter_;
    Status written_ = ok();
    std::optional<OwnFiles> own_;
    std::optional<TraceBuilder> builder_;
    std::optional<recording::RecordingWriter> recording_;
    bool reader_is_gone_ = false;  // the recording's, of our standard output
    std::ofstream chrome_file_;
    std::optional<render::ChromeTrace> chrome_;
    int chrome_failed_ = 0;                         // errno; EPIPE: its reader has gone
    std::set<std::string, std::less<>> evaluated_;  // expressions, at most as many as there are watches
    Trace trace_;
};

}  // namespace autotune::cli
