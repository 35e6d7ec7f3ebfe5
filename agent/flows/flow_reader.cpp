#include "agent/flows/flow_reader.hpp"

#include "agent/flows/fixed_point.hpp"

namespace autotune {

namespace {

constexpr std::string_view kOneAddress = "one-address";
constexpr std::string_view kOutside = "outside";  // who calls the first service

}  // namespace

Status FlowReader::header() {
    constexpr struct {
        std::string_view unit;
        int digits;
    } kUnits[] = {{"", 9}, {"_s", 9}, {"_ms", 6}, {"_us", 3}, {"_ns", 0}};
    const auto column = [&](std::string_view name) { return rows_.column(name); };
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
    return rows_.head_with(missing);
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
        return rows_.skip("no time: \"" + std::string(cell((start ? end_ : start_).column).substr(0, 40)) + "\"");
    if (*end < *start) return rows_.skip("the end is before the start");
    if (cell(host_).empty() || (!of_calls_ && cell(source_).empty())) return rows_.skip("an address is missing");
    Flow flow{*start, *end, 0, 0};
    if (!place(flow)) return rows_.skip("too many different names");
    out.push_back(flow);
}

Status FlowReader::feed(std::string_view piece, std::vector<Flow>& out) {
    return rows_.feed(piece, [&] { return header(); }, [&] { row(out); });
}

Status FlowReader::finish(std::vector<Flow>& out) {
    return rows_.finish([&] { return header(); }, [&] { row(out); });
}

}  // namespace autotune
