#include "agent/logs/trace_timeline.hpp"

#include <algorithm>
#include <utility>

#include "agent/logs/log_events.hpp"

namespace autotune::logs {
namespace {

constexpr std::size_t kDeepest = 100'000;

}  // namespace

Status TraceTimeline::add(const TraceLine& line, EventBatch& batch) {
    if (const auto* call = std::get_if<CallLine>(&line)) {
        if (stack_.size() >= kDeepest) return fail(Errc::corrupt, "calls are nested too deeply");
        on_call(*call, batch);
    } else if (const auto* back = std::get_if<ReturnLine>(&line)) {
        return on_return(*back, batch);
    } else if (const auto* exception = std::get_if<ExceptionLine>(&line)) {
        on_exception(*exception, batch);
    } else if (const auto* file = std::get_if<FileLine>(&line)) {
        tell_io({.op = file->is_opened ? IoOp::open : IoOp::close_file,
                 .path = batch.tables.strings.intern(file->path)},
                batch);
    } else if (const auto* connection = std::get_if<ConnectionLine>(&line)) {
        if (connection->is_opened)
            tell_io({.op = IoOp::connect, .local = connection->local, .peer = connection->peer}, batch);
    }
    return ok();
}

void TraceTimeline::on_call(const CallLine& line, EventBatch& batch) {
    settle(false, batch);
    if (stage_ == Stage::before) {
        stage_ = Stage::within;
        StringTable& strings = batch.tables.strings;
        InvocationStarted started{.id = identity_.id};
        started.function = strings.intern(identity_.function);
        batch.events.push_back(make_log_event(identity_.ordinal, now_, started));
    }
    if (!stack_.empty()) stack_.back().saw_exception = false;
    stack_.push_back({.function = line.function, .begin = now_});
}

Status TraceTimeline::on_return(const ReturnLine& line, EventBatch& batch) {
    const auto called = std::find_if(stack_.rbegin(), stack_.rend(),
                                     [&](const Open& open) { return open.function == line.function; });
    if (called == stack_.rend())
        return fail(Errc::corrupt, "a return from " + line.function.name + ", which was not called");
    settle(false, batch);
    while (&stack_.back() != &*called) {  // lines are missing
        batch.events.push_back(call_event(stack_.back(), CallEnd::cut, batch));
        stack_.pop_back();
    }
    const Open& open = stack_.back();
    now_ = std::max(now_, open.begin + line.duration);
    const bool saw_exception = open.saw_exception;
    Event done = call_event(open, CallEnd::returned, batch);
    std::get<CallDone>(done.body).duration = line.duration;
    stack_.pop_back();
    returned_ = Returned{.event = done, .saw_exception = saw_exception, .is_outermost = stack_.empty()};
    if (stack_.empty()) settle(saw_exception, batch);  // nobody is traced who could see it
    return ok();
}

void TraceTimeline::on_exception(const ExceptionLine& line, EventBatch& batch) {
    settle(true, batch);
    if (!stack_.empty() && stack_.back().function == line.function) stack_.back().saw_exception = true;
}

void TraceTimeline::settle(bool seen_in_caller, EventBatch& batch) {
    if (!returned_) return;
    const Returned returned = *std::exchange(returned_, std::nullopt);
    const bool raised = returned.saw_exception && seen_in_caller;
    batch.events.push_back(returned.event);
    if (raised) std::get<CallDone>(batch.events.back().body).how = CallEnd::raised;
    if (returned.is_outermost) end_invocation(raised, batch);
}

void TraceTimeline::end_invocation(bool raised, EventBatch& batch) {
    if (stage_ != Stage::within) return;
    stage_ = Stage::after;
    batch.events.push_back(make_log_event(
        identity_.ordinal, now_,
        InvocationEnded{.id = identity_.id, .kind = raised ? EndKind::error : EndKind::response}));
}

void TraceTimeline::tell_io(IoDone io, EventBatch& batch) const {
    batch.events.push_back(make_log_event(identity_.ordinal, now_, io));
}

Event TraceTimeline::call_event(const Open& call, CallEnd how, EventBatch& batch) const {
    StringTable& strings = batch.tables.strings;
    Frame frame{.name = strings.intern(call.function.name), .kind = FrameKind::python};
    frame.file = frame.module = strings.intern(call.function.file);
    return make_log_event(identity_.ordinal, now_,
                          CallDone{.function = batch.tables.frames.intern(frame),
                                   .depth = static_cast<std::uint32_t>(&call - stack_.data()),
                                   .how = how,
                                   .duration = now_ - call.begin});
}

void TraceTimeline::finish(EventBatch& batch) {
    settle(false, batch);
    while (!stack_.empty()) {
        batch.events.push_back(call_event(stack_.back(), CallEnd::cut, batch));
        stack_.pop_back();
    }
    end_invocation(false, batch);
}

}  // namespace autotune::logs
