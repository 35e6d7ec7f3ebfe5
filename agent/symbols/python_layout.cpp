#include "agent/symbols/python_layout.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace autotune::symbols {

namespace {

// The eight bytes that end in co_firstlineno: with it, co_flags (to 3.10) or co_stacksize (from 3.11).
constexpr std::uint32_t identity_of(std::uint32_t first_line) { return first_line - 4; }

constexpr PythonCodeLayout kCode38{.first_line = 40,
                                   .file_name = 104,
                                   .name = 112,
                                   .line_table = 120,
                                   .ascii_text = 48,
                                   .compact_text = 72,
                                   .line_format = LineTableFormat::lnotab};
constexpr PythonCodeLayout kCode311{.first_line = 72,
                                    .file_name = 112,
                                    .name = 120,
                                    .qualified_name = 128,
                                    .line_table = 136,
                                    .instructions = 184,
                                    .ascii_text = 48,
                                    .compact_text = 72,
                                    .line_format = LineTableFormat::locations};

constexpr PythonCodeLayout code310() {
    PythonCodeLayout code = kCode38;
    code.line_format = LineTableFormat::linetable;
    return code;
}

constexpr PythonCodeLayout code312(std::uint32_t instructions) {
    PythonCodeLayout code = kCode311;
    code.first_line = 68;
    code.instructions = instructions;
    code.ascii_text = 40;
    code.compact_text = 56;
    return code;
}

// 3.8 to 3.10: PyFrameObjects linked by f_back; f_lasti is an int.
constexpr at_python_offsets frame_objects(std::uint32_t current_thread, std::uint32_t last_instruction) {
    return {.runtime_current_thread = current_thread,
            .runtime_interpreter = 40,
            .interpreter_threads = 8,
            .thread_next = 8,
            .thread_id = 176,
            .thread_frame = 24,
            .has_cframe = 0,
            .cframe_frame = 0,
            .frame_code = 32,
            .frame_back = 24,
            .frame_instruction = last_instruction,
            .instruction_size = 4,
            .frame_owner = 0,
            .shim_owner = 0,
            .code_identity = identity_of(40),
            .frame_entry = 0};
}

// 3.12 and 3.13: _PyInterpreterFrames; the C stack's own frames (owner 3) are between.
constexpr at_python_offsets interpreter_frames(std::uint32_t interpreter, std::uint32_t threads,
                                               std::uint32_t thread_id) {
    return {.runtime_current_thread = 0,
            .runtime_interpreter = interpreter,
            .interpreter_threads = threads,
            .thread_next = 8,
            .thread_id = thread_id,
            .thread_frame = 56,
            .has_cframe = 1,
            .cframe_frame = 0,
            .frame_code = 0,
            .frame_back = 8,
            .frame_instruction = 56,
            .instruction_size = 8,
            .frame_owner = 70,
            .shim_owner = 3,
            .code_identity = identity_of(68),
            .frame_entry = 0};
}

constexpr at_python_offsets walk313() {
    at_python_offsets walk = interpreter_frames(640, 7344, 152);
    walk.thread_frame = 72;
    walk.has_cframe = 0;
    return walk;
}

constexpr at_python_offsets kWalk311{.runtime_current_thread = 576,
                                     .runtime_interpreter = 48,
                                     .interpreter_threads = 16,
                                     .thread_next = 8,
                                     .thread_id = 152,
                                     .thread_frame = 56,
                                     .has_cframe = 1,
                                     .cframe_frame = 8,
                                     .frame_code = 32,
                                     .frame_back = 48,
                                     .frame_instruction = 56,
                                     .instruction_size = 8,
                                     .frame_owner = 0,
                                     .shim_owner = 0,
                                     .code_identity = identity_of(72),
                                     .frame_entry = 68};

constexpr std::array kLayouts{
    PythonLayout{8, frame_objects(1368, 104), kCode38},
    PythonLayout{9, frame_objects(568, 104), kCode38},
    PythonLayout{10, frame_objects(568, 96), code310()},
    PythonLayout{11, kWalk311, kCode311},
    PythonLayout{12, interpreter_frames(48, 72, 136), code312(192)},
    PythonLayout{13, walk313(), code312(200)},
};

std::uint64_t word_at(std::span<const std::byte> bytes, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + offset, sizeof word);
    return word;
}

}  // namespace

const PythonLayout* python_layout(unsigned minor) {
    const auto* found = std::ranges::find(kLayouts, minor, &PythonLayout::minor);
    return found == kLayouts.end() ? nullptr : found;
}

Result<PythonLayout> with_debug_offsets(PythonLayout layout, std::span<const std::byte> runtime) {
    if (runtime.size() < kDebugOffsetsSize || std::memcmp(runtime.data(), "xdebugpy", 8) != 0)
        return fail(Errc::corrupt, "_PyRuntime does not begin with its debug offsets");
    const std::uint64_t version = word_at(runtime, 8);
    if (version >> 16 != (0x0300u | layout.minor))
        return fail(Errc::corrupt, "the debug offsets are of another version of Python");
    if (word_at(runtime, 16) != 0)
        return fail(Errc::unsupported, "a free-threaded build of Python: its frames are not known");
    layout.walk.runtime_interpreter = static_cast<std::uint32_t>(word_at(runtime, 40));
    layout.walk.interpreter_threads = static_cast<std::uint32_t>(word_at(runtime, 72));
    return layout;
}

}  // namespace autotune::symbols
