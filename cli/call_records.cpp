#include "cli/call_records.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "analyzer/trace_links.hpp"

namespace autotune::cli {

namespace {

double ms_of(Timestamp at) { return static_cast<double>(to_ns(at)) / 1e6; }
double ms_of(Nanos span) { return static_cast<double>(span.count()) / 1e6; }

// What an entry of a hash table or a tree takes beside its value, and what a text takes at most beside its letters.
constexpr std::size_t kNode = 64;

bool was_answered(std::uint16_t status) { return status >= 200 && status < 300; }

// As whoever reads replay_lines() numbers them, so that both lead to the same answer, word by word.
void number_by_appearance(rules::CallLog& log) {
    const std::vector<std::string> names = std::exchange(log.functions, {});
    log.by_name.clear();
    for (rules::Trace& trace : log.traces)
        for (rules::RecordedInvocation& i : trace.invocations) {
            i.function = log.function(names[i.function]);
            for (rules::RecordedCall& call : i.calls) call.callee = log.function(names[call.callee]);
        }
}

}  // namespace

// In all_ and, from finish() on, in the log as well, with the tables that link them. The id is the invocation's own, its trace's
// and that by which it is told from others; a call holds that of its callee.
std::size_t CallRecords::bytes_of(const Invocation& i) const {
    const std::size_t id = i.id.view().size() + kNode;
    const auto name = [&](const std::string& function) { return log_.by_name.contains(function) ? 0 : 2 * function.size() + 2 * kNode; };
    std::size_t bytes = sizeof(One) + sizeof(rules::RecordedInvocation) + sizeof(rules::Trace) + 5 * id + 2 * kNode + name(i.function.name);
    for (const FunctionCall& call : i.calls)
        if (was_answered(call.status)) bytes += sizeof(Call) + sizeof(rules::RecordedCall) + sizeof(CallAt) + id + kNode + name(call.function);
    return bytes;
}

bool CallRecords::add(const Invocation& i) {
    missing_.not_told += i.stands_for > 1 ? i.stands_for - 1 : 0;
    if (i.boundary != Boundary::runtime_api) return ++missing_.elsewhere, true;
    if (i.held || i.status == InvocationStatus::unknown) return ++missing_.not_ended, true;
    const std::size_t bytes = bytes_of(i);
    if (all_.size() >= most_.invocations || bytes > most_.bytes - std::min(bytes_, most_.bytes)) return false;
    bytes_ += bytes;
    const Nanos shift = clock_.shift(i);
    One one{.made = {}, .trace = analysis::trace_root(i.trace_id), .start = i.start + shift, .end = i.end + shift, .calls = {}};
    rules::RecordedInvocation& made = one.made;
    made.id = i.id.str();
    // An asynchronous invocation that is tried again has the id that it had.
    if (const std::uint32_t again = ids_[made.id]++; again > 0) made.id += "#" + std::to_string(again + 1);
    made.function = log_.function(i.function.name);
    made.memory_mb = i.memory_mb > 0 ? i.memory_mb : std::ceil(static_cast<double>(i.memory_limit) / (1 << 20));
    made.start_ms = ms_of(one.start), made.end_ms = ms_of(one.end);
    made.billed_ms = std::ceil(ms_of(i.duration));  // as Lambda bills
    made.cold = i.cold;
    made.peak_mb = static_cast<double>(i.memory_peak) / (1 << 20);
    made.timeout_ms = ms_of(i.time_limit);
    if (i.thread.wall.count() > 0)
        made.cpu_ms = ms_of(i.thread.on_cpu + i.thread.off_cpu[static_cast<std::size_t>(WaitCause::run_queue)]);
    made.calls_known = i.calls_are_known && i.calls_not_kept == 0;
    missing_.without_calls += i.calls_are_known ? 0 : 1;
    missing_.calls_not_kept += i.calls_not_kept;
    for (const FunctionCall& call : i.calls) {
        if (!was_answered(call.status)) {
            ++missing_.calls_failed;
            continue;
        }
        const Timestamp start = one.start + call.start;
        one.calls.push_back({.callee = log_.function(call.function),
                             .trace = analysis::trace_root(call.trace_id),
                             .start = start,
                             .end = start + call.duration,
                             .sync = call.status != 202});
    }
    all_.push_back(std::move(one));
    return true;
}

// All are of one function and trace, and the calls either awaited or only accepted. Whoever ends first was asked for by the call that ends
// first; where nobody waits, whoever begins first by the call that begins first. Returns what nobody asked for.
std::vector<std::size_t> CallRecords::give_out(std::vector<std::size_t> works, std::vector<CallAt> calls, bool awaited) {
    const auto call_of = [&](const CallAt& at) -> Call& { return all_[at.first].calls[at.second]; };
    const auto when = [&](const auto& of) { return awaited ? of.end : of.start; };
    std::ranges::sort(works, {}, [&](std::size_t w) { return std::pair(when(all_[w]), w); });
    std::ranges::sort(calls, {}, [&](const CallAt& at) { return std::pair(when(call_of(at)), at); });
    Nanos longest{0};
    if (awaited)
        for (const CallAt& at : calls) longest = std::max(longest, call_of(at).end - call_of(at).start);
    std::vector<std::size_t> left;
    std::size_t begin = 0;  // calls before it have their work, or are over before any that is to come
    for (const std::size_t w : works) {
        const One& work = all_[w];
        while (begin < calls.size() && (call_of(calls[begin]).work != kNobody || (awaited && call_of(calls[begin]).end < work.end))) ++begin;
        std::optional<CallAt> asked;
        bool by_order = false;
        for (std::size_t at = begin; at < calls.size() && !by_order; ++at) {
            const Call& call = call_of(calls[at]);
            if (when(call) - longest > work.start) break;  // it began after the work, and so did all behind it
            if (call.work != kNobody || calls[at].first == w || call.start > work.start) continue;
            by_order = asked.has_value();
            if (!asked) asked = calls[at];
        }
        if (!asked) {
            left.push_back(w);
            continue;
        }
        missing_.by_order += by_order ? 1 : 0;
        call_of(*asked).work = w, all_[w].caller = asked->first;
    }
    return left;
}

void CallRecords::link() {
    struct Asked {
        std::vector<std::size_t> works;
        std::vector<CallAt> awaited, accepted;
    };
    std::map<std::pair<std::uint32_t, std::uint64_t>, Asked> by;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (all_[i].trace != 0) by[{all_[i].made.function, all_[i].trace}].works.push_back(i);
        for (std::size_t c = 0; c < all_[i].calls.size(); ++c)
            if (const Call& call = all_[i].calls[c]; call.trace != 0) {
                Asked& asked = by[{call.callee, call.trace}];
                (call.sync ? asked.awaited : asked.accepted).emplace_back(i, c);
            }
    }
    for (auto& [what, asked] : by)
        give_out(give_out(std::move(asked.works), std::move(asked.awaited), true), std::move(asked.accepted), false);
}

// One that others call, without a caller, at a time when the caller may have begun before or end after what is recorded.
bool CallRecords::is_at_the_edge(const One& one, Timestamp first, Timestamp last) const {
    return is_called_[one.made.function] && (one.start - longest_call_ < first || one.end + longest_call_ > last);
}

RecordedCalls CallRecords::finish() && {
    link();
    is_called_.assign(log_.functions.size(), false);
    Timestamp first = Timestamp::max(), last = Timestamp::min();
    for (const One& one : all_) {
        first = std::min(first, one.start), last = std::max(last, one.end);
        for (const Call& call : one.calls) {
            is_called_[call.callee] = true;
            if (call.sync) longest_call_ = std::max(longest_call_, call.end - call.start);
        }
    }
    std::vector<std::size_t> order(all_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(all_[i].start, i); });
    // Callers begin before what they call.
    std::unordered_map<std::uint64_t, std::size_t> first_of;  // by trace id
    for (const std::size_t i : order) {
        One& one = all_[i];
        rules::RecordedInvocation made = one.made;
        if (one.caller != kNobody) {
            made.parent = all_[one.caller].made.id;
            one.log_trace = all_[one.caller].log_trace;
        } else if (!is_at_the_edge(one, first, last)) {
            // It may have the trace id of something that began before, whose call of it nobody saw.
            const auto [before, fresh] = one.trace != 0 ? first_of.emplace(one.trace, i) : std::pair(first_of.end(), true);
            if (fresh) {
                one.log_trace = log_.traces.size();
                log_.traces.push_back({.id = made.id, .invocations = {}});
            } else {
                made.parent = all_[before->second].made.id;
                one.log_trace = all_[before->second].log_trace;
            }
        }
        if (one.log_trace == kNobody) {  // or its caller is at the edge
            ++missing_.at_the_edge;
            continue;
        }
        for (const Call& call : one.calls) {
            rules::RecordedCall told;
            told.callee = call.callee, told.sync = call.sync;
            told.start_ms = ms_of(call.start), told.duration_ms = ms_of(call.end - call.start);
            if (call.work != kNobody) told.callee_id = all_[call.work].made.id;
            made.calls.push_back(std::move(told));
        }
        log_.traces[one.log_trace].invocations.push_back(std::move(made));
        ++log_.invocations;
    }
    number_by_appearance(log_);
    return {.log = std::move(log_), .missing = missing_};
}

std::string replay_lines(const rules::CallLog& log, std::size_t trace) {
    using Json = nlohmann::ordered_json;
    std::string out;
    const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
    for (const rules::RecordedInvocation& i : log.traces[trace].invocations) {
        Json line{{"trace", log.traces[trace].id}, {"id", i.id},         {"parent", text_or_null(i.parent)},
                  {"function", log.functions[i.function]}, {"memory_mb", i.memory_mb}, {"start_ms", i.start_ms},
                  {"end_ms", i.end_ms}, {"billed_ms", i.billed_ms}, {"cold", i.cold}, {"calls", Json::array()}};
        if (i.peak_mb > 0) line["peak_mb"] = i.peak_mb;
        if (i.timeout_ms > 0) line["timeout_ms"] = i.timeout_ms;
        if (i.cpu_ms) line["cpu_ms"] = *i.cpu_ms;
        for (const rules::RecordedCall& call : i.calls)
            line["calls"].push_back({{"callee", log.functions[call.callee]},
                                     {"callee_id", text_or_null(call.callee_id)},
                                     {"start_ms", call.start_ms},
                                     {"duration_ms", call.duration_ms},
                                     {"sync", call.sync},
                                     {"local", call.local}});
        out += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    return out;
}

}  // namespace autotune::cli
