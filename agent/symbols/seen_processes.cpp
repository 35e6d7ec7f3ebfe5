#include "agent/symbols/seen_processes.hpp"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/symbols/elf_image.hpp"

namespace autotune::symbols {

namespace {

std::string_view base_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// At the 1st, 2nd, 4th, … and at every 256th: code that a JIT maps must not wait for ever behind wild addresses.
bool is_worth_a_look(std::uint32_t misses) { return std::has_single_bit(misses) || misses % 256 == 0; }

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

void SeenProcesses::told(const ProcessId& id, const std::vector<Mapping>& mappings) {
    SeenProcess& p = find(id);
    p.told = mappings;
    add_told(p);
}

// Where nothing is mapped now, something may have been.
void SeenProcesses::add_told(SeenProcess& p) {
    ProcessSnapshot& s = p.snapshot;
    const auto overlaps = [&](const Mapping& m) {
        return std::ranges::any_of(s.maps.mappings(),
                                   [&](const Mapping& o) { return o.start < m.end && m.start < o.end; });
    };
    std::vector<std::pair<Mapping, std::optional<FileIdentity>>> all;
    for (std::size_t i = 0; i < s.maps.mappings().size(); ++i)
        all.emplace_back(s.maps.mappings()[i], i < s.files.size() ? s.files[i] : std::nullopt);
    const std::size_t known = all.size();
    for (const Mapping& m : p.told)
        if (!overlaps(m)) all.emplace_back(m, pin(m));
    if (all.size() == known) return;
    std::ranges::sort(all, {}, [](const auto& one) { return one.first.start; });
    std::vector<Mapping> mappings;
    s.files.clear();
    for (auto& [mapping, file] : all) mappings.push_back(std::move(mapping)), s.files.push_back(std::move(file));
    s.maps = ProcessMaps::of(std::move(mappings));
    forget_frames_of(p);
}

void SeenProcesses::read(const ProcessId& id, SeenProcess& p) {
    ++p.reads;
    auto snapshot = take_snapshot(proc_, id, modules_);
    if (!snapshot) return;  // keeps what was known: the process has gone
    if (snapshot->maps.empty() && !p.snapshot.maps.empty()) return;  // … or has given its memory back, and is going
    p.snapshot = std::move(*snapshot);
    add_told(p);
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

// By the path in our mount namespace; nothing when another file is there by now.
std::optional<FileIdentity> SeenProcesses::pin(const Mapping& m) {
    Fd fd(open(m.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const auto file = fd ? identity_of(fd.get()) : std::nullopt;
    if (!file || file->inode != m.inode) return std::nullopt;
    modules_.pin(*file, std::move(fd), {.root = {}, .path = m.path});
    return file;
}

ProcessSnapshot SeenProcesses::from_program(const Program& program) {
    ProcessSnapshot snapshot;
    Fd fd(open(program.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
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
