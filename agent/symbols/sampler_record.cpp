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

Unexpected nobody_told() { return fail(Errc::corrupt, "a sampler record refers to what was not told"); }

Result<SamplerRecord> decode_process(std::span<const std::byte> bytes, ToldNumbers& told) {
    at_told_process process{};
    if (!take(bytes, process)) return fail(Errc::corrupt, "a cut process record");
    told.tell(process.head.process, {.process = {static_cast<std::int32_t>(process.pid), process.start_ns},
                                     .cgroup = static_cast<CgroupId>(process.cgroup)});
    return SamplerRecord(Noted{});
}

Result<SamplerRecord> decode_sample(const RecordOrigin& from, const at_sampler_head& head, std::span<const std::byte> bytes) {
    std::uint64_t weight = 0;
    if (head.of > AT_SAMPLE_MEMORY || (head.of != AT_SAMPLE_TICK && !take(bytes, weight)))
        return fail(Errc::corrupt, "a cut sample");
    return SamplerRecord(WeightRecord{
        .from = from, .of = static_cast<at_sample_of>(head.of), .stack = head.stack, .weight = weight});
}

// The native frames of `codes`, some of them fresh.
bool take_native(const at_stack& fixed, std::span<const std::uint64_t> fresh, std::span<const std::uint16_t> codes,
                 ToldNumbers& told, std::vector<std::uint64_t>& native) {
    std::size_t next = 0;
    native.reserve(codes.size());
    for (const std::uint16_t code : codes) {
        const auto address = code != 0            ? told.address(fixed.epoch, code)
                             : next < fresh.size() ? std::optional(fresh[next++])
                                                   : std::nullopt;
        if (!address) return false;
        native.push_back(*address);
    }
    return next == fresh.size();
}

Result<SamplerRecord> decode_stack(const RecordOrigin& from, std::span<const std::byte> bytes, ToldNumbers& told) {
    at_stack fixed{};
    SampleRecord stack{.from = from};
    std::vector<std::uint64_t> fresh;
    std::vector<std::uint16_t> codes;
    const auto cut = [] { return fail(Errc::corrupt, "a stack shorter than its frames"); };
    if (!take(bytes, fixed)) return cut();
    const at_sampler_head& head = fixed.head;
    const unsigned native_result = head.native_result & ~unsigned{AT_NATIVE_COPIED};
    if ((head.of != AT_SAMPLE_TICK && head.of != AT_SAMPLE_LATER) || head.python_result > AT_PYTHON_NO_THREAD ||
        native_result > AT_NATIVE_UNREADABLE || !take_many(bytes, fixed.python_frames, stack.python) ||
        !take_many(bytes, fixed.kernel_frames, stack.kernel) || !take_many(bytes, fixed.fresh_frames, fresh) ||
        !take_many(bytes, fixed.native_frames, codes))
        return cut();
    // As the kernel side gave them: a number that this very stack tells is not used by it.
    if (!take_native(fixed, fresh, codes, told, stack.native)) return nobody_told();
    for (std::size_t i = 0; fixed.first != 0 && i < fresh.size(); ++i)
        told.tell_address(fixed.epoch, fixed.first + static_cast<std::uint32_t>(i), fresh[i]);
    stack.number = head.stack;
    stack.is_tick = head.of == AT_SAMPLE_TICK;
    stack.python_result = static_cast<at_python_result>(head.python_result);
    stack.native_result = static_cast<at_native_result>(native_result);
    stack.copied = (head.native_result & AT_NATIVE_COPIED) != 0;
    if (!fresh.empty() && fixed.first == 0 && native_result != AT_NATIVE_POINTERS) stack.full_epoch = fixed.epoch;
    return SamplerRecord(std::move(stack));
}

Result<SamplerRecord> decode_exec(const RecordOrigin& from, std::span<const std::byte> bytes) {
    at_exec exec{};
    if (!take(bytes, exec)) return fail(Errc::corrupt, "a cut exec record");
    return SamplerRecord(
        ExecRecord{.from = from,
                   .program = {.path = std::string(exec.path, strnlen(exec.path, sizeof exec.path)),
                               .inode = exec.inode,
                               .text_start = exec.text_start,
                               .text_end = exec.text_end}});
}

}  // namespace

Result<SamplerRecord> decode_sampler_record(std::span<const std::byte> bytes, ToldNumbers& told) {
    at_sampler_head head{};
    auto rest = bytes;
    if (!take(rest, head)) return fail(Errc::corrupt, "a sampler record shorter than its head");
    if (head.record == AT_RECORD_PROCESS) return decode_process(bytes, told);
    const ToldNumbers::Owner* owner = told.process(head.process);
    if (owner == nullptr) return nobody_told();
    const RecordOrigin from{.at = from_ns(static_cast<std::int64_t>(head.at_ns)),
                            .process = owner->process,
                            .thread = static_cast<ThreadId>(head.tid),
                            .cgroup = owner->cgroup};
    switch (head.record) {
        case AT_RECORD_SAMPLE: return decode_sample(from, head, rest);
        case AT_RECORD_STACK: return decode_stack(from, bytes, told);
        case AT_RECORD_EXEC: return decode_exec(from, bytes);
        default: return fail(Errc::corrupt, "a sampler record of unknown kind " + std::to_string(head.record));
    }
}

}  // namespace autotune::symbols
