#include "cli/topology_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "agent/flows/call_reader.hpp"
#include "analyzer/topology/critical_path.hpp"
#include "analyzer/topology/requests/reconstructor.hpp"
#include "cli/text_output.hpp"
#include "cli/text_pieces.hpp"
#include "os/file_replacement.hpp"

namespace autotune::cli {

namespace {

void append_quoted(std::string& out, const std::string& text) {
    const bool plain = std::all_of(text.begin(), text.end(),
                                   [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; });
    if (plain)
        out.append(1, '"').append(text).append(1, '"');
    else
        out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Lines to a file, which they replace when all are there, or to standard output.
class Lines {
public:
    static Result<Lines> open(const std::string& path) {
        Lines lines;
        lines.to_standard_output_ = path == "-";
        if (path.empty() || lines.to_standard_output_) return lines;
        auto file = FileReplacement::begin(path);
        if (!file) return file.forward();
        lines.file_.emplace(*std::move(file));
        return lines;
    }
    [[nodiscard]] bool wanted() const { return to_standard_output_ || file_; }
    void write(const std::string& text) {
        if (!state_) return;
        state_ = file_ ? file_->write(text) : write_text("-", text);
    }
    [[nodiscard]] Status close() { return state_ && file_ ? file_->commit() : state_; }

private:
    bool to_standard_output_ = false;
    std::optional<FileReplacement> file_;
    Status state_;
};

// What was found, added up and told.
class Totals {
public:
    // `forest`: null where no paths are wanted.
    Totals(FlowNames& names, Lines& lines, analysis::CallForest* forest) : names_(names), lines_(lines), forest_(forest) {}

    void take(std::vector<CallParent>& found) {
        text_.clear();
        for (const CallParent& f : found) {
            if (forest_) forest_->give(f);
            if (lines_.wanted()) {
                text_ += "{\"id\":";
                append_quoted(text_, f.id);
                text_ += ",\"parent\":";
                if (f.parent.empty())
                    text_ += "null";
                else
                    append_quoted(text_, f.parent);
                text_ += fmt::format(",\"confidence\":{:.3f}}}\n", f.confidence);
            }
            ++calls_to_[f.callee];
            if (f.caller == ServiceCall::kNone) continue;
            Sum& sum = edges_[{f.caller, f.callee}];
            sum.calls += 1, sum.confidence += static_cast<double>(f.confidence);
        }
        if (lines_.wanted()) lines_.write(text_);
        found.clear();
    }

    [[nodiscard]] DependencyGraph graph() const {
        std::map<std::string, std::uint32_t> by_name;
        for (const auto& [service, calls] : calls_to_) by_name[names_.name(service)] = service;
        for (const auto& [edge, sum] : edges_) by_name[names_.name(edge.first)] = edge.first;
        DependencyGraph graph;
        std::map<std::uint32_t, std::uint32_t> node;
        for (const auto& [name, service] : by_name) {
            node[service] = static_cast<std::uint32_t>(graph.nodes.size());
            const auto calls = calls_to_.find(service);
            graph.nodes.push_back({name, calls == calls_to_.end() ? 0 : calls->second});
        }
        std::map<std::pair<std::uint32_t, std::uint32_t>, Sum> edges;
        for (const auto& [edge, sum] : edges_) edges[{node[edge.first], node[edge.second]}] = sum;
        for (const auto& [edge, sum] : edges)
            graph.edges.push_back(
                {edge.first, edge.second, sum.calls, 100 * sum.confidence / sum.calls, false, 0});
        return graph;
    }

private:
    struct Sum {
        double calls = 0, confidence = 0;
    };
    FlowNames& names_;
    Lines& lines_;
    analysis::CallForest* forest_;
    std::string text_;
    std::map<std::uint32_t, std::uint64_t> calls_to_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, Sum> edges_;
};

std::string in_words(const analysis::ReconstructorCounters& c, std::uint64_t skipped) {
    const std::uint64_t placed = c.calls - c.roots - c.orphans;
    std::string text =
        fmt::format("{} calls, {} requests from outside, {} calls given to others", c.calls, c.roots, placed);
    if (placed > 0)
        text += fmt::format(" ({:.1f} % sure in the mean)", 100 * c.confidence / static_cast<double>(placed));
    if (c.orphans > c.late)
        text += fmt::format("; {} during nothing that could have made them", c.orphans - c.late);
    if (c.late > 0)
        text += fmt::format("; {} came too late for their window and were given no parent", c.late);
    if (c.forgotten > 0) text += fmt::format("; {} served on beyond what can be held", c.forgotten);
    if (skipped > 0) text += fmt::format("; {} lines skipped", skipped);
    return text;
}

}  // namespace

Result<Requests> reconstruct_requests(const RequestsOptions& options) {
    auto lines = Lines::open(options.lines);
    if (!lines) return lines.forward();
    FlowNames names;
    CallReader reader(names);
    analysis::Reconstructor reconstructor({.window = options.window});
    analysis::CallForest forest;
    Totals totals(names, *lines, options.paths ? &forest : nullptr);
    std::vector<ServiceCall> calls;
    std::vector<CallParent> found;
    const auto pass_on = [&] {
        reconstructor.set_step(reader.step_ns());
        for (ServiceCall& call : calls) {
            if (options.paths) forest.add(call);
            reconstructor.add(std::move(call), found);
        }
        calls.clear();
        totals.take(found);
    };
    Status read = read_text_in_pieces(options.calls, [&](std::string_view piece) {
        Status fed = reader.feed(piece, calls);
        pass_on();
        return fed;
    });
    if (read) read = reader.finish(calls);
    pass_on();
    reconstructor.finish(found);
    totals.take(found);
    if (!read) {
        const Error& error = read.error();
        const bool located = error.code == Errc::invalid_argument;  // "1: what" of the table
        return fail(error.code, located ? shown_path(options.calls) + ":" + error.message : error.message);
    }
    for (const std::string& told : reader.told())
        std::fprintf(stderr, "%s:%s; skipped\n", shown_path(options.calls).c_str(), told.c_str());
    if (Status s = lines->close(); !s) return s.forward();
    Requests requests{.graph = totals.graph(), .paths = {}, .told = in_words(reconstructor.counters(), reader.skipped())};
    if (options.paths) requests.paths = analysis::critical_paths(forest.finish(names));
    return requests;
}

}  // namespace autotune::cli
