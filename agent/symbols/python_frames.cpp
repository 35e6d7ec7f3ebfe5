#include "agent/symbols/python_frames.hpp"

namespace autotune::symbols {

namespace {
constexpr std::size_t kMaxProcesses = 4096;
constexpr std::size_t kMaxFunctions = 200'000;  // of all processes
}  // namespace

const PythonInterpreter* PythonFrames::look(Symbolizer& symbolizer, const ProcessId& process,
                                            std::uint64_t generation) {
    // Past the bound everything is read anew; keeping order for that rare case would cost every sample.
    if (processes_.size() >= kMaxProcesses && !processes_.contains(process)) {
        processes_.clear();
        remembered_ = 0;
    }
    Process& p = processes_[process];
    if (p.interpreter || p.generation == generation) return nullptr;
    p.generation = generation;
    if (!p.read) p.read = memory_(process.pid);
    p.interpreter = find_python(symbolizer, process, p.read);
    return p.interpreter ? &*p.interpreter : nullptr;
}

const PythonInterpreter* PythonFrames::interpreter(const ProcessId& process) const {
    const auto found = processes_.find(process);
    return found != processes_.end() && found->second.interpreter ? &*found->second.interpreter : nullptr;
}

const PythonFunction* PythonFrames::function(Process& process, const at_python_frame& frame) {
    const auto known = process.functions.find(frame.code);
    if (known != process.functions.end() && known->second.identity == frame.identity) return &known->second;
    auto read = read_python_function(process.read, process.interpreter->layout, frame,
                                     process.interpreter->code_type);
    if (!read) return nullptr;
    if (++remembered_ > kMaxFunctions) {
        for (auto& [id, other] : processes_) other.functions.clear();
        remembered_ = 1;
    }
    return &process.functions.insert_or_assign(frame.code, std::move(*read)).first->second;
}

std::optional<FrameId> PythonFrames::resolve(const ProcessId& process, const at_python_frame& told,
                                             Tables& tables) {
    at_python_frame frame = told;
    frame.code &= ~AT_PYTHON_ENTRY;
    const auto found = processes_.find(process);
    if (found == processes_.end() || !found->second.interpreter) return std::nullopt;
    const PythonFunction* f = function(found->second, frame);
    if (f == nullptr) {
        ++unresolved_;
        return std::nullopt;
    }
    const StringId file = tables.strings.intern(f->file);
    return tables.frames.intern({.name = tables.strings.intern(f->name),
                                 .module = file,
                                 .file = file,
                                 .line = line_of(*f, found->second.interpreter->layout, frame.instruction),
                                 .kind = FrameKind::python});
}

}  // namespace autotune::symbols
