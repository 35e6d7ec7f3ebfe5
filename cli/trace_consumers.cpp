#include "cli/trace_consumers.hpp"

#include <iostream>
#include <utility>
#include <variant>

#include "cli/trace_outputs.hpp"
#include "cli/trace_setting.hpp"

namespace autotune::cli {

Status TraceConsumers::open(const TraceSetting& setting, std::vector<std::string> own_folders) {
    own_.emplace(std::move(own_folders));
    builder_.emplace(TraceOptions{.wall_offset = setting.wall_offset});
    if (!request_.record.empty()) {
        auto made = recording::RecordingWriter::create(request_.record);
        if (!made) return made.forward();
        recording_.emplace(*std::move(made));
        if (Status s = write_beginning(*recording_, setting); !s) return s;
    }
    if (!request_.chrome.empty()) {
        if (request_.chrome != kStandardOutput) {
            chrome_file_.open(request_.chrome, std::ios::binary | std::ios::trunc);
            if (!chrome_file_)
                return fail(Errc::permission_denied, "cannot write " + request_.chrome.string());
        }
        chrome_.emplace(chrome_out(), setting.machine);
    }
    return ok();
}

void TraceConsumers::take(EventBatch& batch) {
    filter_.apply(batch);
    own_->apply(batch);
    for (const Event& event : batch.events)
        if (const auto* v = std::get_if<VariableSeen>(&event.body))
            evaluated_.emplace(batch.tables.strings[v->expression]);
    if (records()) record([&] { return recording_->write(batch); });
    if (chrome_) draw([&] { chrome_->add(batch); });
    builder_->ingest(batch);
    batch.events.clear();
}

void TraceConsumers::close(EventBatch& batch, const TraceSetting& setting) {
    trace_ = builder_->finish(batch);
    if (records()) record([&] { return write_ending(*recording_, setting); });
    if (records()) record([&] { return recording_->finish(); });
    if (!chrome_) return;
    draw([&] {
        chrome_->finish();
        chrome_out().flush();
        chrome_file_.close();
    });
    if (chrome_failed_ != 0 && chrome_failed_ != EPIPE && written_)
        written_ = fail(Errc::unavailable, "writing " + request_.chrome.string() + " failed (disk full?)");
}

std::vector<std::string> TraceConsumers::idle_watches() const {
    std::vector<std::string> idle = request_.native_watches;
    for (const runtime::PythonWatch& w : request_.watches)
        idle.push_back(w.file + ":" + std::to_string(w.line) + " " + w.expression);
    std::erase_if(idle, [&](const std::string& text) { return evaluated_.contains(text); });
    return idle;
}

std::ostream& TraceConsumers::chrome_out() {
    if (request_.chrome == kStandardOutput) return std::cout;
    return chrome_file_;
}

// Whoever reads our standard output may have read enough.
void TraceConsumers::record(const std::function<Status()>& write) {
    errno = 0;
    Status s = write();
    reader_is_gone_ = !s && errno == EPIPE && request_.record == kStandardOutput;
    if (!reader_is_gone_) written_ = std::move(s);
}

void TraceConsumers::draw(const std::function<void()>& write) {
    errno = 0;
    write();
    if (chrome_failed_ == 0 && !chrome_out()) chrome_failed_ = errno != 0 ? errno : EIO;
}

}  // namespace autotune::cli
