#include "agent/flows/call_reader.hpp"

#include <cstdlib>
#include <functional>
#include <optional>

#include "agent/flows/fixed_point.hpp"

namespace autotune {

Status CallReader::header() {
    constexpr std::array<std::string_view, kColumns> kColumnNames{"id",
                                                                  "caller",
                                                                  "callee",
                                                                  "operation",
                                                                  "caller_start_us",
                                                                  "caller_end_us",
                                                                  "callee_start_us",
                                                                  "callee_end_us"};
    std::string missing;
    for (std::size_t c = 0; c < kColumns; ++c) {
        columns_[c] = rows_.column(kColumnNames[c]);
        const bool needed = c != kOperation && c != kCallerStart && c != kCallerEnd;
        if (columns_[c] < 0 && needed)
            missing += (missing.empty() ? "" : ", ") + std::string(kColumnNames[c]);
    }
    return rows_.head_with(missing);
}

void CallReader::look_at_step(std::int64_t time) {
    while (step_ns_ > 1 && time % step_ns_ != 0) step_ns_ /= 10;
}

void CallReader::row(std::vector<ServiceCall>& out) {
    constexpr int kMicroseconds = 3;
    const auto shown = [](std::string_view text) { return "\"" + std::string(text.substr(0, 40)) + "\""; };
    // Differences of times must fit too.
    const auto time = [](std::string_view text) {
        auto value = fixed_point(text, kMicroseconds);
        return value && std::abs(*value) <= INT64_MAX / 2 ? value : std::nullopt;
    };
    const auto start = time(cell(kCalleeStart)), end = time(cell(kCalleeEnd));
    if (!start || !end) return rows_.skip("no time: " + shown(start ? cell(kCalleeEnd) : cell(kCalleeStart)));
    if (*end < *start) return rows_.skip("the end is before the start");
    if (cell(kId).empty()) return rows_.skip("an id is missing");
    if (cell(kCallee).empty()) return rows_.skip("a callee is missing");
    ServiceCall call;
    call.callee_start = *start, call.callee_end = *end;
    if (!cell(kCaller).empty() && (!cell(kCallerStart).empty() || !cell(kCallerEnd).empty())) {
        const auto from = time(cell(kCallerStart));
        const auto to = time(cell(kCallerEnd));
        if (!from || !to) return rows_.skip("no time: " + shown(from ? cell(kCallerEnd) : cell(kCallerStart)));
        if (*to < *from) return rows_.skip("the caller's end is before its start");
        call.caller_start = *from, call.caller_end = *to, call.seen_by_caller = true;
        look_at_step(*from), look_at_step(*to);
    }
    look_at_step(*start), look_at_step(*end);
    const std::uint32_t host = names_.host(cell(kCallee));
    call.callee = host == FlowNames::kNone ? FlowNames::kNone : names_.service(host, "");
    call.endpoint =
        call.callee == FlowNames::kNone ? FlowNames::kNone : names_.service(host, cell(kOperation));
    if (!cell(kCaller).empty()) {
        const std::uint32_t from = names_.host(cell(kCaller));
        call.caller = from == FlowNames::kNone ? FlowNames::kNone : names_.service(from, "");
        if (call.caller == FlowNames::kNone) return rows_.skip("too many different names");
    }
    if (call.endpoint == FlowNames::kNone) return rows_.skip("too many different names");
    if (!ids_.add(std::hash<std::string_view>()(cell(kId))))
        return rows_.skip("the id " + shown(cell(kId)) + " was there before");
    call.id = std::string(cell(kId));
    out.push_back(std::move(call));
}

Status CallReader::feed(std::string_view piece, std::vector<ServiceCall>& out) {
    return rows_.feed(piece, [&] { return header(); }, [&] { row(out); });
}

Status CallReader::finish(std::vector<ServiceCall>& out) {
    return rows_.finish([&] { return header(); }, [&] { row(out); });
}

}  // namespace autotune
