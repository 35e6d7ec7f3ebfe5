#include "cli/topology_owner.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include "agent/bpf/bpf_source.hpp"
#include "agent/ptrace/ptrace_source.hpp"
#include "agent/replay/replay_source.hpp"
#include "analyzer/owner/owner_topology.hpp"
#include "cli/listener_finder.hpp"
#include "cli/stop_signals.hpp"
#include "cli/traced_command.hpp"

namespace autotune::cli {

namespace {

constexpr Nanos kPoll = std::chrono::milliseconds(20);
constexpr Nanos kLastWords = std::chrono::milliseconds(300);  // events of a command that has ended
constexpr Nanos kPatience = std::chrono::seconds(5);          // for a command that was asked to stop

class Watch {
public:
    explicit Watch(const OwnerRequest& request) : request_(request) {}

    Result<OwnerOutcome> live() {
        auto stop = stop_signals();
        if (!stop) return stop.forward();
        stop_ = *std::move(stop);
        if (Status s = start(); !s) return s.forward();
        std::fprintf(stderr, "autotune topology: watching %s%s\n", what().c_str(),
                     request_.command.empty() ? "; Ctrl-C ends it with the graph" : "");
        if (Status s = follow(); !s) return s.forward();
        if (Status s = source()->finish(batch_); !s) return s.forward();
        take();
        return outcome();
    }

    Result<OwnerOutcome> replay() {
        ReplaySource recorded(request_.recording);
        if (Status s = recorded.start(); !s) return s.forward();
        for (;;) {
            const auto polled = recorded.poll(Nanos(0), batch_);
            if (!polled) return polled.forward();
            topology_.ingest(batch_);
            batch_.events.clear();
            if (polled->state == PollState::ended) break;
        }
        return outcome();
    }

private:
    [[nodiscard]] EventSource* source() const {
        return bpf_ ? static_cast<EventSource*>(bpf_.get()) : ptrace_.get();
    }

    [[nodiscard]] std::string what() const {
        if (!request_.command.empty()) return request_.command.front();
        if (request_.pids.empty()) return "every process of this machine";
        return std::to_string(request_.pids.size()) + (request_.pids.size() == 1 ? " process" : " processes") +
               " and all they start";
    }

    Status start() {
        Detail detail{.processes = {request_.pids.begin(), request_.pids.end()}, .stacks = false};
        const bool bpf_usable = ::geteuid() == 0 && ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
        if (!bpf_usable) return start_ptrace(detail);
        if (!request_.command.empty()) {
            auto prepared = TracedCommand::prepare(request_.command, {});
            if (!prepared) return prepared.forward();
            command_.emplace(*std::move(prepared));
            detail.processes = {command_->pid()};
        } else if (request_.pids.empty()) {
            detail.cgroups = {"/"};
        }
        auto made = make_bpf_source();
        if (!made) return made.forward();
        bpf_ = *std::move(made);
        if (Status s = bpf_->focus(detail); !s) return s;
        if (Status s = bpf_->start(); !s) return s;
        return command_ ? command_->release() : ok();
    }

    Status start_ptrace(const Detail& detail) {
        if (request_.command.empty() && request_.pids.empty())
            return fail(Errc::unsupported,
                        "only eBPF, as root, sees every process of a machine; name processes (-p PID) or a command "
                        "(-- CMD)");
        auto made = make_ptrace_source({.command = request_.command});
        if (!made) return made.forward();
        ptrace_ = *std::move(made);
        if (Status s = ptrace_->focus(detail); !s) return s;
        remarks_.emplace_back("without eBPF only what these processes do is seen, and nothing inside TLS");
        return ptrace_->start();
    }

    [[nodiscard]] std::optional<ExitStatus> command_ended() {
        if (request_.command.empty()) return std::nullopt;
        return ptrace_ ? ptrace_->exit_status() : command_->ended();
    }

    // Until the target has ended, or somebody or something ends the watching.
    Status follow() {
        const Timestamp start = clock_.now();
        std::optional<Timestamp> over, asked;
        for (;;) {
            const auto polled = source()->poll(kPoll, batch_);
            if (!polled) return polled.forward();
            take();
            const Timestamp now = clock_.now();
            if (!ended_) ended_ = command_ended();
            if (ended_ && !over) over = now;
            if (polled->state == PollState::ended && (request_.command.empty() || ended_)) return ok();
            if (over && now - *over > kLastWords) return ok();
            if (request_.duration && now - start >= *request_.duration) return ok();
            signalfd_siginfo info{};
            if (::read(stop_.get(), &info, sizeof info) == sizeof info) {
                if (request_.command.empty() || asked) return ok();
                asked = now;
                const bool from_terminal = info.ssi_signo == SIGINT && info.ssi_code == SI_KERNEL;
                if (!from_terminal && command_) command_->signal(static_cast<int>(info.ssi_signo));
                if (!from_terminal && ptrace_) (void)ptrace_->signal_launched(static_cast<int>(info.ssi_signo));
            }
            if (asked && now - *asked > kPatience) return ok();
        }
    }

    void take() {
        // At once, while whoever called is there: its network is looked at.
        for (const Event& event : batch_.events)
            if (const auto* io = std::get_if<IoDone>(&event.body))
                if (io->op == IoOp::connect && is_of_this_machine(*io)) listeners_.find(topology_, io->peer, event.process.pid);
        topology_.ingest(batch_);
        batch_.events.clear();
        listeners_.find_strangers(topology_, ListenerFinder::kMost);
    }

    static bool is_of_this_machine(const IoDone& io) {
        return io.peer.known() && io.peer.family != AddressFamily::unix_path &&
               (io.peer.is_loopback() || io.peer.address == io.local.address);
    }

    OwnerOutcome outcome() {
        OwnerOutcome done{.graph = topology_.finish(batch_, request_.resolver), .remarks = remarks_};
        if (bpf_)
            for (const std::string& missing : bpf_->health().missing) done.remarks.push_back(missing);
        if (listeners_.gave_up())
            done.remarks.push_back("more than " + std::to_string(ListenerFinder::kMost) +
                                   " addresses of this machine were called: who is behind the others was not looked up");
        if (ended_) done.status = ended_->signal != 0 ? 128 + ended_->signal : ended_->code;
        return done;
    }

    const OwnerRequest& request_;
    SystemClock clock_;
    ListenerFinder listeners_;
    OwnerTopology topology_;
    EventBatch batch_;
    std::unique_ptr<BpfSource> bpf_;
    std::unique_ptr<PtraceSource> ptrace_;
    std::optional<TracedCommand> command_;
    std::optional<ExitStatus> ended_;
    Fd stop_;
    std::vector<std::string> remarks_;
};

}  // namespace

Result<OwnerOutcome> watch_owners(const OwnerRequest& request) {
    Watch watch(request);
    return request.recording.empty() ? watch.live() : watch.replay();
}

}  // namespace autotune::cli
