#include "agent/flows/flow_reader.hpp"

#include "agent/flows/fixed_point.hpp"

namespace autotune {

namespace {

constexpr std::string_view kOneAddress = "one-address";
constexpr std::string_view kOutside = "outside";  // who calls the first service

}  // namespace

std::string_view FlowReader::cell(int column) const {
    const auto at = static_cast<std::size_t>(column);
    return column < 0 || at >= cells_.size() ? std::string_view() : cells_[at];
}

Status FlowReader::header() {
    constexpr struct {
        std::string_view unit;
        int digits;
    } kUnits[] = {{"", 9}, {"_s", 9}, {"_ms", 6}, {"_us", 3}, {"_ns", 0}};
    const auto column = [&](std::string_view name) {
        for (std::size_t i = 0; i < cells_.size(); ++i)
            if (cells_[i] == name) return static_cast<int>(i);
        return -1;
    };
    const auto either = [&](std::string_view a, std::string_view b) {
        return column(a) >= 0 ? column(a) : column(b);
    };
    const auto time = [&](const std::string& name) {
        for (const auto& [unit, digits] : kUnits)
            if (const int at = column(name + std::string(unit)); at >= 0) return Time{at, digits};
        return Time{};
    };
    of_calls_ = column("callee") >= 0;
    start_ = time(of_calls_ ? "callee_start" : "start");
    end_ = time(of_calls_ ? "callee_end" : "end");
    source_ = of_calls_ ? column("caller") : either("src", "src_ip");
    host_ = of_calls_ ? column("callee") : either("dst", "dst_ip");
    port_ = either("dst_port", "port");
    proto_ = column("proto");
    std::string missing;
    const auto need = [&](int at, std::string_view name) {
        if (at < 0) missing += (missing.empty() ? "" : ", ") + std::string(name);
    };
    need(start_.column, of_calls_ ? "callee_start_us" : "start");
    need(end_.column, of_calls_ ? "callee_end_us" : "end");
    need(source_, of_calls_ ? "caller" : "src");
    need(host_, of_calls_ ? "callee" : "dst");
    if (missing.empty()) return ok();
    return fail(Errc::invalid_argument, "1: the first line must name the columns; not there: " + missing);
}

void FlowReader::skip(std::string why) {
    ++skipped_;
    if (told_.size() < kTold) told_.push_back(std::to_string(number_) + ": " + std::move(why));
}

// Whose flow it is; false when there are too many names.
bool FlowReader::place(Flow& flow) {
    if (of_calls_) {
        const std::string_view caller = cell(source_).empty() ? kOutside : cell(source_);
        const bool one = calls_ == CallAddresses::one_for_all;
        flow.source = names_.host(one && caller != kOutside ? kOneAddress : caller);
        flow.service = names_.service(names_.host(one ? kOneAddress : cell(host_)),
                                      one ? cell(host_) : std::string_view());
    } else {
        label_.assign(cell(port_));
        if (!cell(proto_).empty()) label_.append("/").append(cell(proto_));
        flow.source = names_.host(cell(source_));
        flow.service = names_.service(names_.host(cell(host_)), label_);
    }
    return flow.source != FlowNames::kNone && flow.service != FlowNames::kNone;
}

void FlowReader::row(std::vector<Flow>& out) {
    const auto start = fixed_point(cell(start_.column), start_.digits);
    const auto end = fixed_point(cell(end_.column), end_.digits);
    if (!start || !end)
        return skip("no time: \"" + std::string(cell((start ? end_ : start_).column).substr(0, 40)) + "\"");
    if (*end < *start) return skip("the end is before the start");
    if (cell(host_).empty() || (!of_calls_ && cell(source_).empty())) return skip("an address is missing");
    Flow flow{*start, *end, 0, 0};
    if (!place(flow)) return skip("too many different names");
    out.push_back(flow);
}

Status FlowReader::line(std::string_view text, std::vector<Flow>& out) {
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

Status FlowReader::feed(std::string_view piece, std::vector<Flow>& out) {
    Status status;
    lines_.feed(piece, [&](std::string_view text) {
        if (status) status = line(text, out);
    });
    return status;
}

Status FlowReader::finish(std::vector<Flow>& out) {
    Status status;
    lines_.finish([&](std::string_view text) { status = line(text, out); });
    if (status && !begun_)
        return fail(Errc::invalid_argument, "1: there is no first line that names the columns");
    return status;
}

}  // namespace autotune
