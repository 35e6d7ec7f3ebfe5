#include "cli/trace_run.hpp"

#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "agent/logs/log_source.hpp"
#include "agent/replay/replay_source.hpp"
#include "analyzer/calls/call_graph.hpp"
#include "cli/call_graph_file.hpp"
#include "cli/exit_status.hpp"
#include "cli/stop_signals.hpp"
#include "cli/terminal.hpp"
#include "cli/trace_consumers.hpp"
#include "cli/trace_outputs.hpp"
#include "cli/trace_setting.hpp"
#include "cli/trace_sources.hpp"
#include "cli/traced_command.hpp"
#include "exporters/render/trace_report.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

constexpr Nanos kPoll = std::chrono::milliseconds(20);
constexpr Nanos kProgressEvery = std::chrono::milliseconds(500);
constexpr Nanos kLastWords = std::chrono::milliseconds(300);  // events of a command that has ended
constexpr Nanos kPatience = std::chrono::seconds(5);          // for a command that was asked to stop

void say(const std::string& text) { std::fprintf(stderr, "autotune trace: %s\n", text.c_str()); }

std::string target_of(const TraceRequest& request) {
    std::string text;
    for (const int pid : request.pids) text += (text.empty() ? "-p " : " -p ") + std::to_string(pid);
    for (const std::string& word : request.command) text += (text.empty() ? "" : " ") + word;
    return text.empty() ? "all executors" : text;
}

std::string ending_of(const ExitStatus& status) {
    return status.signal != 0 ? "killed by signal " + std::to_string(status.signal)
                              : "exited with status " + std::to_string(status.code);
}

// One line on a terminal, written over itself.
class ProgressLine {
public:
    explicit ProgressLine(Timestamp start) : on_(::isatty(STDERR_FILENO) == 1), start_(start), last_(start) {}
    ~ProgressLine() { clear(); }

    void show(Timestamp now, const TraceBuilder::Progress& p) {
        if (!on_ || now - last_ < kProgressEvery) return;
        last_ = now;
        std::fprintf(
            stderr, "\r\033[K%.0f s, %llu events, %llu calls, %llu invocations%s (Ctrl-C ends with a report)",
            to_seconds(now - start_), static_cast<unsigned long long>(p.events),
            static_cast<unsigned long long>(p.calls), static_cast<unsigned long long>(p.invocations),
            p.lost > 0 ? (", " + std::to_string(p.lost) + " lost").c_str() : "");
        shown_ = true;
    }
    void clear() {
        if (std::exchange(shown_, false)) std::fputs("\r\033[K", stderr);
    }

private:
    bool on_, shown_ = false;
    Timestamp start_, last_;
};

Status write_report(const TraceRequest& request, const Trace& trace, const Tables& tables,
                    const TraceSetting& setting) {
    const bool to_file = !request.output.empty() && request.output != kStandardOutput;
    const bool to_stderr = !to_file && standard_output_is_taken(request);
    std::ostringstream text;
    const render::TraceReport report{trace, tables, setting};
    if (request.json) {
        render::trace_json(text, report);
        text << '\n';
    } else {
        render::Style style = style_of_terminal();
        if (to_file || to_stderr) style = {.marks = marks_of_locale(), .colour = render::Colour::off, .width = 0};
        render::trace_text(text, report, {.style = style});
    }
    if (to_file) return replace_file(request.output, text.str());
    if (to_stderr) {
        std::cerr << text.str() << std::flush;
        return ok();
    }
    errno = 0;
    std::cout << text.str() << std::flush;
    if (!std::cout && errno == EPIPE) return ok();  // whoever read it has read enough
    return std::cout ? ok() : fail(Errc::unavailable, "writing to standard output failed");
}

class Run {
public:
    explicit Run(const TraceRequest& request) : request_(request), consumers_(request) {}

    int replay() {
        ReplaySource source(request_.recording);
        if (Status s = source.start(); !s) return failed(s.error());
        // The beginning's notes come with the first poll: what the analysis needs of them must be known
        // before.
        auto first = source.poll(Nanos(0), batch_);
        setting_ = setting_of(source.notes());
        if (Status s = consumers_.open(setting_, {}); !s) return failed(s.error());
        std::optional<Error> damage;
        for (auto polled = std::move(first);; polled = source.poll(Nanos(0), batch_)) {
            if (!polled) damage = polled.error();
            consumers_.take(batch_);
            if (!polled || polled->state == PollState::ended) break;
        }
        setting_ = setting_of(source.notes());
        if (Status s = report(); !s) return failed(s.error());
        if (damage) return failed(*damage);
        return kDone;
    }

    // What another program has written down: no recording of ours, but as good as one.
    int from_log() {
        LogSource source({.files = {request_.recording}, .end = LogEnd::ends});
        if (Status s = source.start(); !s) return failed(s.error());
        setting_ = {.target = request_.recording.string(),
                    .machine = machine(),
                    .wall_offset = clock_.wall().time_since_epoch() - clock_.now().time_since_epoch(),
                    .backends = {"log"},
                    .remarks = {},
                    .ending = "the log ends here"};
        if (Status s = consumers_.open(setting_, {}); !s) return failed(s.error());
        for (;;) {
            const auto polled = source.poll(Nanos(0), batch_);
            if (!polled) return failed(polled.error());
            consumers_.take(batch_);
            if (polled->state == PollState::ended) break;
        }
        setting_.remarks = source.problems();
        if (Status s = report(); !s) return failed(s.error());
        return kDone;
    }

    int live() {
        auto stop = stop_signals();
        if (!stop) return failed(stop.error());
        stop_ = *std::move(stop);
        if (Status s = sources_.start(request_); !s) {
            if (!sources_.was_refused()) return failed(s.error());
            say(s.error().message);
            return status_of_refusal(s.error());
        }
        setting_ = {.target = target_of(request_),
                    .machine = machine(),
                    .wall_offset = clock_.wall().time_since_epoch() - clock_.now().time_since_epoch(),
                    .backends = sources_.backends(),
                    .remarks = {},
                    .ending = {}};
        Status status = consumers_.open(setting_, sources_.own_folders());
        if (status) status = follow();
        for (EventSource* source : sources_.all())
            if (Status s = source->finish(batch_); !s && status) status = s;
        consumers_.take(batch_);
        setting_.remarks = sources_.remarks();
        for (const std::string& watch : consumers_.idle_watches())
            setting_.remarks.push_back("nothing was seen of --watch '" + watch +
                                       "': no program came there");
        if (status) status = report();
        if (!status) return failed(status.error());
        if (!request_.command.empty() && ended_)
            return ended_->signal != 0 ? 128 + ended_->signal : ended_->code;
        return kDone;
    }

private:
    // Until the target has ended, or somebody or something ends the tracing.
    Status follow() {
        const Timestamp start = clock_.now();
        ProgressLine progress(start);
        std::optional<Timestamp> over;  // the command has ended; what it did may still be under way
        for (;;) {
            bool all_ended = !sources_.all().empty();
            for (EventSource* source : sources_.all()) {
                auto polled = source->poll(source == sources_.all().front() ? kPoll : Nanos(0), batch_);
                if (!polled) return polled.forward();
                // Probes never know whether others will come.
                const bool is_kernel =
                    source == sources_.all().front() && sources_.backends().front() != "runtime";
                if (is_kernel) all_ended &= polled->state == PollState::ended;
                if (!is_kernel && sources_.all().size() == 1) all_ended = false;
            }
            consumers_.take(batch_);
            const Timestamp now = clock_.now();
            progress.show(now, consumers_.progress());
            if (!request_.command.empty() && !ended_) ended_ = sources_.ended();
            if (ended_ && !over) over = now;
            if (all_ended && (request_.command.empty() || ended_))
                return end(ended_ ? ending_of(*ended_) : "the target has ended");
            if (over && now - *over > kLastWords) return end(ending_of(*ended_));
            if (request_.duration && now - start >= *request_.duration) return end("the time was over");
            if (request_.invocations > 0 && consumers_.progress().invocations >= request_.invocations)
                return end("as many invocations as were asked for");
            if (stopped(now)) return end(ended_ ? ending_of(*ended_) : "interrupted");
        }
    }

    Status end(std::string how) {
        setting_.ending = std::move(how);
        return ok();
    }

    // Somebody wants an end. A command is asked first, and gets some time; asked again, we do not wait for
    // it.
    bool stopped(Timestamp now) {
        signalfd_siginfo info{};
        if (::read(stop_.get(), &info, sizeof info) == sizeof info) {
            if (request_.command.empty() || asked_) return true;
            asked_ = now;
            // Ctrl-C reaches the command by itself: it is in the terminal's foreground as we are.
            const bool from_terminal = info.ssi_signo == SIGINT && info.ssi_code == SI_KERNEL;
            if (!from_terminal) sources_.signal(static_cast<int>(info.ssi_signo));
        }
        return asked_ && now - *asked_ > kPatience;
    }

    Status report() {
        consumers_.close(batch_, setting_);
        if (Status s = write_report(request_, consumers_.trace(), batch_.tables, setting_); !s) return s;
        if (!request_.call_graph.empty()) {
            const CallGraph graph = call_graph(consumers_.trace(), batch_.tables);
            if (graph.functions.empty()) say("no call of a function was traced: the call graph is empty");
            const auto format = *call_graph_format(request_.call_graph.string());
            if (Status s = replace_file(request_.call_graph, rendered(graph, format)); !s) return s;
        }
        return consumers_.written();
    }

    int failed(const Error& error) {
        say(error.message);
        if (error.code == Errc::invalid_argument || error.code == Errc::corrupt) return kUsage;
        return request_.command.empty() ? kFailed : kOursFailed;
    }

    static std::string machine() {
        utsname name{};
        return ::uname(&name) == 0 ? name.machine : "";
    }

    const TraceRequest& request_;
    SystemClock clock_;
    TraceConsumers consumers_;
    EventBatch batch_;
    TraceSetting setting_;
    TraceSources sources_;
    Fd stop_;
    std::optional<ExitStatus> ended_;
    std::optional<Timestamp> asked_;
};

}  // namespace

int run_trace(const TraceRequest& request) {
    if (const Status s = check_outputs(request); !s) return say(s.error().message), kUsage;
    Run run(request);
    if (request.recording.empty()) return run.live();
    return looks_like_log(request.recording) ? run.from_log() : run.replay();
}

}  // namespace autotune::cli
