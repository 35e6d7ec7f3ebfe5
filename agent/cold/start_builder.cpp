#include "agent/cold/start_builder.hpp"

#include <cstring>
#include <utility>

namespace autotune::cold {
namespace {

constexpr std::size_t kMostProcesses = 16384;
constexpr std::size_t kMostDeep = 512;  // who shows them goes down by recursion
constexpr std::size_t kMostNodes = 100'000;
constexpr std::size_t kMostOpen = 100'000;

std::string text_of(const at_cold_mark& mark) { return std::string(mark.text, strnlen(mark.text, sizeof mark.text)); }

// Sums that do not grow count as nothing: a thread that ends in between may be in neither part of one.
std::uint64_t grown(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

StartCost between(const at_cold_mark& from, const at_cold_mark& to) {
    const at_cold_sums& a = from.sums;
    const at_cold_sums& b = to.sums;
    return {.time = Nanos(static_cast<std::int64_t>(grown(from.at_ns, to.at_ns))),
            .cpu = Nanos(static_cast<std::int64_t>(grown(a.cpu_ns, b.cpu_ns))),
            .files = grown(a.opens, b.opens),
            .read_bytes = grown(a.read_bytes, b.read_bytes),
            .mapped_bytes = grown(a.mapped_bytes, b.mapped_bytes),
            .minor_faults = grown(a.minor_faults, b.minor_faults),
            .major_faults = grown(a.major_faults, b.major_faults),
            .memory = static_cast<std::int64_t>(b.resident) - static_cast<std::int64_t>(a.resident)};
}

void settle(StartNode& node) {
    node.self = node.total;
    for (const StartNode& below : node.below) node.self -= below.total;
}

}  // namespace

void StartBuilder::begin_phase(Process& p, const at_cold_mark& mark, const char* name) {
    end_phase(p, mark);
    p.phase = {.name = name,
               .file = p.start.program,
               .at = Nanos(static_cast<std::int64_t>(grown(p.first.at_ns, mark.at_ns))),
               .total = {},
               .self = {},
               .below = {}};
    p.phase_begun = mark;
    p.has_phase = true;
}

void StartBuilder::end_phase(Process& p, const at_cold_mark& mark) {
    while (!p.path.empty()) close(p, mark), ++p.start.unclosed;
    for (Open& open : p.open) open.what = Open::What::closed;
    if (!std::exchange(p.has_phase, false)) return;
    p.phase.total = between(p.phase_begun, mark);
    settle(p.phase);
    p.start.total += p.phase.total;
    p.start.phases.push_back(std::move(p.phase));
}

void StartBuilder::push(Process& p, const at_cold_mark& mark, StartNode node) {
    if (p.open.size() >= kMostOpen) return end(p, mark);  // no program; told as far as it came
    if (p.path.size() >= kMostDeep || p.nodes >= kMostNodes) {
        ++p.start.left_out;
        p.open.push_back({Open::What::closed});
        return;
    }
    ++p.nodes;
    node.at = Nanos(static_cast<std::int64_t>(grown(p.first.at_ns, mark.at_ns)));
    p.path.push_back(std::move(node));
    p.begun.push_back(mark);
    p.open.push_back({Open::What::node});
}

void StartBuilder::close(Process& p, const at_cold_mark& mark) {
    StartNode node = std::move(p.path.back());
    node.total = between(p.begun.back(), mark);
    settle(node);
    p.path.pop_back();
    p.begun.pop_back();
    (p.path.empty() ? p.phase : p.path.back()).below.push_back(std::move(node));
}

void StartBuilder::pop(Process& p, const at_cold_mark& mark) {
    if (p.open.empty()) return;  // it began before we came
    const Open open = p.open.back();
    p.open.pop_back();
    if (open.what == Open::What::node) close(p, mark);
}

void StartBuilder::end(Process& p, const at_cold_mark& mark) {
    if (std::exchange(p.over, true)) return;
    end_phase(p, mark);
    over_.push_back(std::move(p.start));
}

void StartBuilder::is_program(std::int32_t pid, std::string path) {
    const auto found = processes_.find(static_cast<std::uint32_t>(pid));
    if (found == processes_.end() || found->second.over) return;
    Process& p = found->second;
    p.start.program = std::move(path);
    if (p.has_phase) p.phase.file = p.start.program;
}

void StartBuilder::add(const at_cold_mark& mark) {
    if (mark.kind == AT_COLD_FORK) {
        if (processes_.size() >= kMostProcesses && !processes_.contains(mark.pid)) {
            ++refused_;
            return;
        }
        Process& p = processes_[mark.pid] = {};
        p.first = p.last = mark;
        p.start.pid = static_cast<std::int32_t>(mark.pid);
        p.start.parent = static_cast<std::int32_t>(mark.parent);
        return begin_phase(p, mark, "fork");
    }
    const auto found = processes_.find(mark.pid);
    if (found == processes_.end()) return;
    Process& p = found->second;
    if (p.over) {
        if (mark.kind == AT_COLD_EXIT) processes_.erase(found);
        return;
    }
    const bool is_first_thread = mark.tid == mark.pid;
    switch (mark.kind) {
        case AT_COLD_EXEC_BEGINS:
            if (p.phase.name != "exec") begin_phase(p, mark, "exec");  // else the one before failed
            break;
        case AT_COLD_PROGRAM:
            // Sums of the new program begin anew in memory, not in time.
            p.start.program = text_of(mark);
            p.phase.file = p.start.program;
            break;
        case AT_COLD_EXEC_ENDS: begin_phase(p, mark, "loader"); break;
        case AT_COLD_ENTRY: begin_phase(p, mark, "program"); break;
        case AT_COLD_RUN_MAIN:
            if (p.has_phase && (p.phase.name == "program" || p.phase.name == "loader"))
                p.phase.name = p.phase.name == "loader" ? "loader and runtime" : "runtime";
            begin_phase(p, mark, "program");
            break;
        case AT_COLD_IMPORT_BEGINS:
            if (is_first_thread) push(p, mark, {.kind = StartKind::module, .name = text_of(mark), .file = {}});
            break;
        case AT_COLD_BODY_BEGINS:
            if (!is_first_thread) break;
            if (!p.path.empty() && p.path.back().kind == StartKind::module && p.path.back().file.empty()) {
                p.path.back().file = text_of(mark);
                p.open.push_back({Open::What::body_of_node});
            } else {
                push(p, mark, {.kind = StartKind::body, .name = text_of(mark), .file = text_of(mark)});
            }
            break;
        case AT_COLD_IMPORT_ENDS:
        case AT_COLD_BODY_ENDS:
            if (is_first_thread) pop(p, mark);
            break;
        case AT_COLD_READY: begin_phase(p, mark, "ready"); break;
        case AT_COLD_WORK: begin_phase(p, mark, "handler"); break;
        case AT_COLD_ANSWER:
            p.start.answered = true;
            end(p, mark);
            break;
        case AT_COLD_EXIT:
            end(p, mark);
            processes_.erase(found);
            return;
        default: return;
    }
    p.last = mark;
}

std::vector<ColdStart> StartBuilder::take() { return std::exchange(over_, {}); }

std::vector<ColdStart> StartBuilder::finish() {
    for (auto& [pid, p] : processes_)
        if (!p.over) end(p, p.last);
    processes_.clear();
    return take();
}

}  // namespace autotune::cold
