#include "agent/symbols/seen_processes.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/symbols/elf_image.hpp"
#include "agent/symbols/process_snapshot.hpp"

namespace autotune::symbols {

namespace {

std::string_view base_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// At the 1st, 2nd, 4th, … and at every 256th: code that a JIT maps must not wait for ever behind wild addresses.
bool is_worth_a_look(std::uint32_t misses) { return std::has_single_bit(misses) || misses % 256 == 0; }

bool overlap(const Mapping& a, const Mapping& b) { return a.start < b.end && b.start < a.end; }

// The same place of the same file, as far as they overlap.
bool same_content(const Mapping& a, const Mapping& b) { return a.inode == b.inode && a.offset - a.start == b.offset - b.start; }

}  // namespace

SeenProcess& SeenProcesses::find(const ProcessId& id) {
    const auto [found, is_new] = processes_.try_emplace(id);
    SeenProcess& p = found->second;
    if (is_new) {
        uses_.push_front(id);
        p.use = uses_.begin();
        read(id, p);
        shrink();
    } else {
        uses_.splice(uses_.begin(), uses_, p.use);
    }
    return p;
}

void SeenProcesses::replaced(const ProcessId& id, const Program& program) {
    const bool seen_before = processes_.contains(id);
    SeenProcess& p = find(id);
    if (seen_before) {
        p.jit = {};
        p.snapshot = {};
        forget_frames_of(p);
        p.misses = 0;
        p.has_jvm = false;
        p.told.clear();
        read(id, p);
    }
    if (p.snapshot.maps.empty()) p.snapshot = from_program(program);
}

void SeenProcesses::refresh(const ProcessId& id) {
    const bool seen_before = processes_.contains(id);
    SeenProcess& p = find(id);
    if (seen_before) read(id, p);
}

void SeenProcesses::told(const ProcessId& id, const std::vector<Mapping>& mappings, bool counts) {
    SeenProcess& p = find(id);
    p.told = mappings;
    p.told_counts = counts;
    add_told(id, p);
}

bool SeenProcesses::mapped(const ProcessId& id, const Mapping& mapping) {
    const auto found = processes_.find(id);
    if (found == processes_.end()) return false;
    SeenProcess& p = found->second;
    const auto is_replaced = [&](const Mapping& o) { return overlap(o, mapping) && o.has_file() && !same_content(o, mapping); };
    if (std::ranges::none_of(p.snapshot.maps.mappings(), is_replaced)) return false;
    std::vector<Place> places = places_of(p.snapshot);
    std::erase_if(places, [&](const Place& place) { return overlap(place.first, mapping); });
    std::erase_if(p.told, [&](const Mapping& o) { return overlap(o, mapping); });
    places.emplace_back(mapping, mapping.has_file() ? pin(id, mapping) : std::nullopt);
    take_places(p, std::move(places));
    return true;
}

std::vector<SeenProcesses::Place> SeenProcesses::places_of(const ProcessSnapshot& s) {
    std::vector<Place> all;
    for (std::size_t i = 0; i < s.maps.mappings().size(); ++i)
        all.emplace_back(s.maps.mappings()[i], i < s.files.size() ? s.files[i] : std::nullopt);
    return all;
}

void SeenProcesses::take_places(SeenProcess& p, std::vector<Place> places) {
    std::ranges::sort(places, {}, [](const Place& one) { return one.first.start; });
    std::vector<Mapping> mappings;
    p.snapshot.files.clear();
    for (auto& [mapping, file] : places) mappings.push_back(std::move(mapping)), p.snapshot.files.push_back(std::move(file));
    p.snapshot.maps = ProcessMaps::of(std::move(mappings));
    ++p.reads;
    forget_frames_of(p);
}

// Where nothing is mapped now, something may have been; what is mapped now may be later than what we are at.
void SeenProcesses::add_told(const ProcessId& id, SeenProcess& p) {
    std::vector<Place> all = places_of(p.snapshot);
    bool changed = false;
    for (const Mapping& m : p.told) {
        if (p.told_counts)
            changed |= std::erase_if(all, [&](const Place& o) { return overlap(o.first, m) && !same_content(o.first, m); }) > 0;
        if (std::ranges::any_of(all, [&](const Place& o) { return overlap(o.first, m); })) continue;
        all.emplace_back(m, pin(id, m));
        changed = true;
    }
    if (changed) take_places(p, std::move(all));
}

void SeenProcesses::read(const ProcessId& id, SeenProcess& p) {
    ++p.reads;
    auto snapshot = take_snapshot(proc_, id, modules_);
    if (!snapshot) return;  // keeps what was known: the process has gone
    if (snapshot->maps.empty() && !p.snapshot.maps.empty()) return;  // … or has given its memory back, and is going
    p.snapshot = std::move(*snapshot);
    add_told(id, p);
    forget_frames_of(p);
    p.has_jvm = std::ranges::any_of(p.snapshot.maps.mappings(),
                                    [](const Mapping& m) { return base_name(m.path) == "libjvm.so"; });
}

// Mappings come later than the first look (libraries, dlopen). Reads again at some addresses in a row that are
// nowhere, so that wild ones cost little.
const Mapping* SeenProcesses::mapping_at(const ProcessId& id, SeenProcess& p, std::uint64_t address) {
    const Mapping* mapping = p.snapshot.maps.find(address);
    if (mapping != nullptr || !is_worth_a_look(++p.misses)) return mapping;
    read(id, p);
    mapping = p.snapshot.maps.find(address);
    if (mapping != nullptr) p.misses = 0;
    return mapping;
}

// Through the process, or when it has gone, or has mapped another one there by now, by the path in our mount namespace; nothing when another file is there by now.
std::optional<FileIdentity> SeenProcesses::pin(const ProcessId& id, const Mapping& m) {
    Fd fd = open_mapped(proc_ + "/" + std::to_string(id.pid), m);
    const auto file = fd ? identity_of(fd.get()) : std::nullopt;
    if (!file || file->inode != m.inode) return pin_by_path(m, modules_);
    modules_.pin(*file, std::move(fd), {.root = {}, .path = m.path});
    return file;
}

ProcessSnapshot SeenProcesses::from_program(const Program& program) {
    ProcessSnapshot snapshot;
    Fd fd = open_regular(program.path);
    const auto file = fd ? identity_of(fd.get()) : std::nullopt;
    // Another file of that name, in our mount namespace or by now, would give wrong names.
    if (!file || file->inode != program.inode || program.text_end <= program.text_start) return snapshot;
    modules_.pin(*file, std::move(fd), {.root = {}, .path = program.path});
    const ElfImage* image = modules_.image(*file);
    const auto offset = image != nullptr ? image->text_offset() : std::nullopt;
    if (!offset) return snapshot;
    snapshot.maps = ProcessMaps::of({Mapping{.start = program.text_start,
                                             .end = program.text_end,
                                             .offset = *offset,
                                             .device = file->device,
                                             .inode = file->inode,
                                             .path = program.path}});
    snapshot.files = {file};
    return snapshot;
}

void SeenProcesses::shrink() {
    while (processes_.size() > most_ && uses_.size() > 1) {
        processes_.erase(uses_.back());
        uses_.pop_back();
        ++forgotten_;
    }
}

void SeenProcesses::forget_frames() {
    for (auto& [id, process] : processes_) forget_frames_of(process);
}

void SeenProcesses::forget_frames_of(SeenProcess& p) {
    p.frames.clear();
    ++forgotten_;
}

std::size_t SeenProcesses::drop_jits_but(const SeenProcess& keep) {
    for (auto& [id, process] : processes_)
        if (&process != &keep) process.jit = {};
    return keep.jit.bytes();
}

}  // namespace autotune::symbols
