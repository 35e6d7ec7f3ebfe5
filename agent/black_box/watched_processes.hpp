// WatchedProcesses: what must be known of a process before it is killed: what it has mapped, whether it runs CPython, how
// its memory lay when it was last looked at. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/black_box/box_program.hpp"
#include "agent/black_box/box_records.hpp"
#include "agent/black_box/recorded_memory.hpp"
#include "agent/black_box/unwind_files.hpp"
#include "agent/symbols/python_frames.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "core/black_box.hpp"
#include "core/tables.hpp"

namespace autotune::black_box {

class WatchedProcesses {
public:
    WatchedProcesses(BoxProgram& program, std::string proc);

    // Its mappings, now; the kernel side is told of its interpreter. False when it has gone already.
    bool look(const ProcessId& process);
    // What it said itself of a file that it mapped, or became.
    void told(const ProcessId& process, const at_box_mapped& mapped);
    // It has gone: what nobody could look at any more is taken from what was told.
    void complete(const ProcessId& process);
    // Its memory by mapping, now.
    void weigh(std::int32_t pid, Timestamp now);
    void forget(std::int32_t pid);

    // Of a process that has gone: its threads' stacks, with names.
    [[nodiscard]] BoxThread describe(const ThreadState& thread, const RecordedMemory& memory);
    // As last weighed.
    void add_mappings(std::int32_t pid, Timestamp killed, BoxMemory& to) const;

private:
    struct Watched {
        ProcessId id;
        AddressSpace space;
        symbols::Program program;
        std::vector<symbols::Mapping> told;
        std::vector<BoxMapping> mappings;
        Timestamp weighed{};
    };
    [[nodiscard]] ProfileFrame frame_of(FrameId id) const;

    BoxProgram& program_;
    std::string proc_;
    std::unordered_map<std::int32_t, Watched> processes_;
    UnwindFiles files_;
    const RecordedMemory* recorded_ = nullptr;  // of the process that is being described
    Tables tables_;
    symbols::Symbolizer symbolizer_;
    symbols::PythonFrames python_;
};

}  // namespace autotune::black_box
