#include "agent/black_box/watched_processes.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/black_box/box_assembly.hpp"
#include "agent/black_box/memory_by_mapping.hpp"
#include "agent/symbols/stack_builder.hpp"
#include "os/file.hpp"

namespace autotune::black_box {
namespace {

constexpr std::size_t kMostProcesses = 4096;
constexpr std::size_t kMostTold = 1024;  // mappings of one process
constexpr std::size_t kSymbolBytes = std::size_t{64} << 20;

}  // namespace

WatchedProcesses::WatchedProcesses(BoxProgram& program, std::string proc)
    : program_(program),
      proc_(std::move(proc)),
      symbolizer_({.proc = proc_, .max_processes = kMostProcesses, .max_symbol_bytes = kSymbolBytes}),
      // As it was, if that was told; else as it is.
      python_([this](std::int32_t pid) -> symbols::ReadMemory {
          return [this, live = symbols::memory_of(pid)](std::uint64_t address, void* to, std::size_t size) {
              return recorded_ != nullptr ? recorded_->read(address, to, size) : live(address, to, size);
          };
      }) {}

bool WatchedProcesses::look(const ProcessId& process) {
    if (processes_.size() >= kMostProcesses && !processes_.contains(process.pid)) processes_.clear();
    Watched& p = processes_[process.pid];
    p.id = process;
    symbolizer_.refresh(process);
    const symbols::ProcessMaps& maps = symbolizer_.maps(process);
    AddressSpace space = files_.pin(proc_ + "/" + std::to_string(process.pid), maps.mappings());
    if (space.places.empty()) return false;
    p.space = std::move(space);
    const auto* found = python_.look(symbolizer_, process, symbolizer_.observe(process));
    if (found == nullptr) return true;
    const symbols::PythonCodeLayout& code = found->layout.code;
    program_.add_python(process.pid, {.process = {.start_ns = process.start_ns,
                                                  .runtime = found->runtime,
                                                  .offsets = found->layout.walk},
                                      .name = code.qualified_name != 0 ? code.qualified_name : code.name,
                                      .file = code.file_name,
                                      .table = code.line_table});
    return true;
}

void WatchedProcesses::told(const ProcessId& process, const at_box_mapped& mapped) {
    Watched& p = processes_[process.pid];
    const std::string path = path_text(mapped.path);
    if (mapped.head.record == AT_BOX_PROGRAM) {
        forget(process.pid);
        processes_[process.pid] = {.id = process,
                                   .program = {.path = path,
                                               .inode = mapped.inode,
                                               .text_start = mapped.address,
                                               .text_end = mapped.address + mapped.size}};
    } else if (p.told.size() < kMostTold) {
        p.id = process;
        p.told.push_back({.start = mapped.address,
                          .end = mapped.address + mapped.size,
                          .offset = mapped.offset,
                          .inode = mapped.inode,
                          .path = path});
    }
}

void WatchedProcesses::complete(const ProcessId& process) {
    Watched& p = processes_[process.pid];
    if (p.id.pid == 0) p.id = process;
    if (p.program.inode != 0 && symbolizer_.maps(p.id).empty()) symbolizer_.replaced(p.id, p.program);
    if (!p.told.empty()) symbolizer_.told(p.id, p.told);
    const std::vector<symbols::Mapping>& mappings = symbolizer_.maps(p.id).mappings();
    if (mappings.size() > p.space.places.size())
        p.space = files_.pin(proc_ + "/" + std::to_string(process.pid), mappings);
}

void WatchedProcesses::weigh(std::int32_t pid, Timestamp now) {
    const auto found = processes_.find(pid);
    if (found == processes_.end()) return;
    const auto smaps = read_file(proc_ + "/" + std::to_string(pid) + "/smaps");
    if (!smaps) return;
    std::vector<BoxMapping> mappings = memory_by_mapping(*smaps);
    if (mappings.empty()) return;  // it was dying
    found->second.mappings = std::move(mappings);
    found->second.weighed = now;
}

void WatchedProcesses::forget(std::int32_t pid) {
    const auto found = processes_.find(pid);
    if (found == processes_.end()) return;
    python_.forget(found->second.id);
    processes_.erase(found);
}

ProfileFrame WatchedProcesses::frame_of(FrameId id) const {
    const Frame& f = tables_.frames[id];
    const auto text = [&](StringId s) { return std::string(tables_.strings[s]); };
    return {.name = text(f.name),
            .module = text(f.module),
            .build_id = text(f.build_id),
            .file = text(f.file),
            .line = f.line,
            .kind = f.kind};
}

BoxThread WatchedProcesses::describe(const ThreadState& thread, const RecordedMemory& memory) {
    Watched& process = processes_[static_cast<std::int32_t>(thread.head.pid)];
    const WalkedStack walked = files_.walk(process.space, thread.registers, thread.stack_base, thread.stack);
    const symbols::SampleRecord sample{.from = {.at = {}, .process = process.id, .thread = {}, .cgroup = {}},
                                       .python_result = thread.python_result,
                                       .native_result = walked.whole ? AT_NATIVE_WHOLE : AT_NATIVE_UNREADABLE,
                                       .python = thread.python,
                                       .native = walked.addresses};
    recorded_ = &memory;
    const symbols::BuiltStack built = symbols::build_stack(sample, symbolizer_, python_, tables_);
    recorded_ = nullptr;
    BoxThread out{.id = static_cast<std::int32_t>(thread.head.tid),
                  .name = std::string(thread.head.command, strnlen(thread.head.command, sizeof thread.head.command)),
                  .frames = {},
                  .truncated = built.truncated,
                  .in_call = thread.registers.call,
                  .arguments = {}};
    for (const FrameId frame : tables_.stacks[built.stack]) out.frames.push_back(frame_of(frame));
    std::copy(std::begin(thread.registers.arguments), std::end(thread.registers.arguments), out.arguments.begin());
    return out;
}

void WatchedProcesses::add_mappings(std::int32_t pid, Timestamp killed, BoxMemory& to) const {
    const auto found = processes_.find(pid);
    if (found == processes_.end() || found->second.mappings.empty()) return;
    to.mappings = found->second.mappings;
    to.mappings_before = killed - found->second.weighed;
    for (const BoxMapping& m : to.mappings) to.mappings_at += m.resident;
}

}  // namespace autotune::black_box
