#include "agent/flows/call_reader.hpp"

#include <cstdlib>
#include <functional>
#include <optional>

#include "agent/flows/fixed_point.hpp"

namespace autotune {

std::string_view CallReader::cell(Column column) const {
    const int at = columns_[column];
    return at < 0 || static_cast<std::size_t>(at) >= cells_.size() ? std::string_view()
                                                                   : cells_[static_cast<std::size_t>(at)];
}

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
        columns_[c] = -1;
        for (std::size_t i = 0; i < cells_.size(); ++i)
            if (cells_[i] == kColumnNames[c]) columns_[c] = static_cast<int>(i);
        const bool needed = c != kOperation && c != kCallerStart && c != kCallerEnd;
        if (columns_[c] < 0 && needed)
            missing += (missing.empty() ? "" : ", ") + std::string(kColumnNames[c]);
    }
    if (missing.empty()) return ok();
    return fail(Errc::invalid_argument, "1: the first line must name the columns; not there: " + missing);
}

void CallReader::skip(std::string why) {
    ++skipped_;
    if (told_.size() < kTold) told_.push_back(std::to_string(number_) + ": " + std::move(why));
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
    if (!start || !end) return skip("no time: " + shown(start ? cell(kCalleeEnd) : cell(kCalleeStart)));
    if (*end < *start) return skip("the end is before the start");
    if (cell(kId).empty()) return skip("an id is missing");
    if (cell(kCallee).empty()) return skip("a callee is missing");
    ServiceCall call;
    call.callee_start = *start, call.callee_end = *end;
    if (!cell(kCaller).empty() && (!cell(kCallerStart).empty() || !cell(kCallerEnd).empty())) {
        const auto from = time(cell(kCallerStart));
        const auto to = time(cell(kCallerEnd));
        if (!from || !to) return skip("no time: " + shown(from ? cell(kCallerEnd) : cell(kCallerStart)));
        if (*to < *from) return skip("the caller's end is before its start");
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
        if (call.caller == FlowNames::kNone) return skip("too many different names");
    }
    if (call.endpoint == FlowNames::kNone) return skip("too many different names");
    if (!ids_.add(std::hash<std::string_view>()(cell(kId))))
        return skip("the id " + shown(cell(kId)) + " was there before");
    call.id = std::string(cell(kId));
    out.push_back(std::move(call));
}

Status CallReader::line(std::string_view text, std::vector<ServiceCall>& out) {
    ++number_;
    if (text.empty()) return ok();
    if (!split_row(text, cells_, unquoted_)) {
        if (!begun_) return fail(Errc::invalid_argument, "1: a quote is not closed");
        return skip("a quote is not closed"), ok();
    }
    if (begun_) return row(out), ok();
    begun_ = true;
    return header();
}

Status CallReader::feed(std::string_view piece, std::vector<ServiceCall>& out) {
    Status status;
    lines_.feed(piece, [&](std::string_view text) {
        if (status) status = line(text, out);
    });
    return status;
}

Status CallReader::finish(std::vector<ServiceCall>& out) {
    Status status;
    lines_.finish([&](std::string_view text) { status = line(text, out); });
    if (status && !begun_)
        return fail(Errc::invalid_argument, "1: there is no first line that names the columns");
    return status;
}

}  // namespace autotune
