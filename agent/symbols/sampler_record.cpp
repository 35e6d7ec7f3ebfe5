#include "agent/symbols/sampler_record.hpp"

#include <cstring>

namespace autotune::symbols {

namespace {

template <class T>
bool take(std::span<const std::byte>& bytes, T& value) {
    if (bytes.size() < sizeof value) return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes = bytes.subspan(sizeof value);
    return true;
}

template <class T>
bool take_many(std::span<const std::byte>& bytes, std::size_t count, std::vector<T>& values) {
    if (bytes.size() < count * sizeof(T)) return false;
    values.resize(count);
    if (count != 0) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
    bytes = bytes.subspan(count * sizeof(T));
    return true;
}

RecordOrigin origin(const at_sampler_head& head) {
    return {.at = from_ns(static_cast<std::int64_t>(head.at_ns)),
            .process = {static_cast<std::int32_t>(head.pid), head.start_ns},
            .thread = static_cast<ThreadId>(head.tid),
            .cgroup = static_cast<CgroupId>(head.cgroup)};
}

}  // namespace

Result<SamplerRecord> decode_sampler_record(std::span<const std::byte> bytes) {
    at_sampler_head head{};
    auto rest = bytes;
    if (!take(rest, head)) return fail(Errc::corrupt, "a sampler record shorter than its head");
    if (head.record == AT_RECORD_SAMPLE) {
        at_sample fixed{};
        if (!take(bytes, fixed) || head.of > AT_SAMPLE_MEMORY) return fail(Errc::corrupt, "a cut sample");
        return SamplerRecord(WeightRecord{.from = origin(head),
                                          .of = static_cast<at_sample_of>(head.of),
                                          .stack = fixed.stack,
                                          .weight = fixed.weight});
    }
    if (head.record == AT_RECORD_STACK) {
        at_stack fixed{};
        SampleRecord stack{.from = origin(head)};
        if (!take(bytes, fixed) || fixed.python_result > AT_PYTHON_NO_THREAD ||
            (fixed.native_result & ~AT_NATIVE_COPIED) > AT_NATIVE_UNREADABLE ||
            !take_many(bytes, fixed.python_frames, stack.python) ||
            !take_many(bytes, fixed.native_frames, stack.native) ||
            !take_many(bytes, fixed.kernel_frames, stack.kernel))
            return fail(Errc::corrupt, "a stack shorter than its frames");
        stack.number = fixed.number;
        stack.python_result = static_cast<at_python_result>(fixed.python_result);
        stack.native_result = static_cast<at_native_result>(fixed.native_result & ~AT_NATIVE_COPIED);
        stack.copied = (fixed.native_result & AT_NATIVE_COPIED) != 0;
        return SamplerRecord(std::move(stack));
    }
    if (head.record == AT_RECORD_EXEC) {
        at_exec exec{};
        if (!take(bytes, exec)) return fail(Errc::corrupt, "a cut exec record");
        return SamplerRecord(
            ExecRecord{.from = origin(head),
                       .program = {.path = std::string(exec.path, strnlen(exec.path, sizeof exec.path)),
                                   .inode = exec.inode,
                                   .text_start = exec.text_start,
                                   .text_end = exec.text_end}});
    }
    return fail(Errc::corrupt, "a sampler record of unknown kind " + std::to_string(head.record));
}

}  // namespace autotune::symbols
