// An invocation held for a debugger. Its clock stands as long as somebody may come with one, and as long as
// one is there; nothing is signalled or frozen: a runtime that has no work yet waits by itself.
#include <nlohmann/json.hpp>
#include <utility>

#include "host/sandbox/sandbox.hpp"

namespace autotune::host {
namespace {

constexpr Nanos kLookEvery = std::chrono::milliseconds(20);

std::string text_of(const nlohmann::json& object, const char* member) {
    const auto found = object.is_object() ? object.find(member) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

bool Sandbox::has_debugger() const { return options_.function->runtime.starts_with("python3"); }

// REQUIRES: a job, and a clock.
void Sandbox::claim_break() {
    if (options_.breaks == nullptr) return;
    break_ = options_.breaks->claim(job_->request);
    if (!break_) return;
    retire();  // when the invocation is over: a debugger may leave anything in a process
    const Timestamp now = options_.clock.now();
    clock_->stop(now);
    deadline_timer_.cancel();
    hold_.emplace();
    hold_->until = now + break_->longest();
    hold_->back = !has_debugger();
    hold_->over = options_.loop.after(break_->longest(), [this] { let_go("the time to hold it is over"); });
    break_->when_let_go([this](std::string_view why) { let_go(why); });
    break_->tell([this](BreakView& view) {
        // Ours in the runtime first says where it is to be found.
        if (hold_->back) view.stage = BreakStage::held;
        view.request_id = job_->request.request_id;
        view.version = options_.function->version;
        view.handler = options_.function->handler;
        view.code = options_.function->code.string();
        view.limit = options_.function->timeout;
        for (const pid_t pid : box_->processes())
            view.processes.emplace_back(pid, Procfs().command(pid).value_or(""));
    });
    look_for_debugger();
}

void Sandbox::look_for_debugger() {
    DebuggerWatch& debugger = hold_->debugger;
    debugger.look(box_->processes());
    if (debugger.debugger() != break_->view().traced_by) {
        break_->tell([&](BreakView& view) {
            view.traced_by = debugger.debugger();
            if (view.traced_by != 0) view.stage = BreakStage::debugging;
        });
    }
    if (debugger.gone() && !hold_->attached) return let_go("the debugger has gone");
    hold_->look = options_.loop.after(kLookEvery, [this] { look_for_debugger(); });
    if (!debugger.continued()) return;
    if (std::exchange(hold_->back, false) && api_.state() == RuntimeApi::State::ready) return hand_over();
    // Whoever debugs from outside does not want the debugger inside.
    if (!hold_->attached) hold_->waiting_runtime.send(runtime_answer(RuntimeApi::Verdict::accepted));
}

void Sandbox::on_hold_request(const net::HttpRequest& request, net::Responder responder) {
    const std::string_view what = std::string_view(request.target).substr(kHoldPath.size());
    if (!hold_ || hold_->back) {  // it went on in the meantime
        return responder.send(runtime_answer(RuntimeApi::Verdict::invalid_transition));
    }
    if (what == "waiting") {
        hold_->waiting_runtime = std::move(responder);
        hold_->waiting_runtime.on_peer_gone([this] {
            if (hold_) let_go("the debugger has gone");
        });
        const auto told = nlohmann::json::parse(request.body, nullptr, false);
        break_->tell([&](BreakView& view) {
            if (view.stage == BreakStage::waiting) view.stage = BreakStage::held;
            view.listener = text_of(told, "debugger");
            view.address = text_of(told, "address");
        });
        return;
    }
    if (what == "attached") {
        hold_->attached = true;
        break_->tell([](BreakView& view) { view.stage = BreakStage::debugging; });
    } else if (what == "over") {
        hold_->attached = false;
        hold_->waiting_runtime.on_peer_gone({});
        if (hold_->debugger.debugger() == 0) let_go("the debugger has gone");
    } else {
        return responder.send(runtime_answer(RuntimeApi::Verdict::unknown_path));
    }
    responder.send(runtime_answer(RuntimeApi::Verdict::accepted));
}

void Sandbox::let_go(std::string_view why) {
    if (!hold_) return;
    Hold over = *std::exchange(hold_, std::nullopt);
    over.waiting_runtime.on_peer_gone({});
    over.waiting_runtime.send(runtime_answer(RuntimeApi::Verdict::accepted));
    const Timestamp now = options_.clock.now();
    clock_->go_on(now);
    run_deadline();
    break_->when_let_go({});
    break_->tell([&](BreakView& view) {
        view.stage = BreakStage::running;
        view.held = clock_->held(now);
        view.why = why;
    });
    if (job_ && api_.state() == RuntimeApi::State::ready) hand_over();
}

void Sandbox::close_break(std::string_view why, std::string report) {
    if (!break_) return;
    if (hold_) hold_->waiting_runtime.on_peer_gone({});
    hold_.reset();
    break_->when_let_go({});
    break_->tell([&](BreakView& view) {
        view.stage = BreakStage::ended;
        view.why = why;
        view.report = std::move(report);
    });
    break_.reset();
}

}  // namespace autotune::host
