#include "agent/black_box/box_records.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace autotune::black_box {
namespace {

using Bytes = std::span<const std::byte>;

// The first `size` bytes of a T; the rest is zeros.
template <class T>
bool take_head(Bytes bytes, std::size_t size, T& value) {
    if (bytes.size() < size) return false;
    std::memcpy(static_cast<void*>(&value), bytes.data(), size);
    return true;
}

Unexpected cut(const char* what) { return fail(Errc::corrupt, std::string("a cut record of ") + what); }

Result<BoxRecord> files_of(Bytes bytes) {
    constexpr std::size_t kFixed = offsetof(at_box_files, files);
    struct {
        at_box_head head;
        std::uint32_t count, more;
    } fixed{};
    static_assert(sizeof fixed >= kFixed);
    if (!take_head(bytes, kFixed, fixed) || fixed.count > AT_BOX_FILES ||
        bytes.size() < kFixed + fixed.count * sizeof(at_box_file))
        return cut("open files");
    OpenFiles out{.head = fixed.head, .more = fixed.more};
    out.files.resize(fixed.count);
    if (fixed.count != 0) std::memcpy(out.files.data(), bytes.data() + kFixed, fixed.count * sizeof(at_box_file));
    return BoxRecord(std::move(out));
}

Result<BoxRecord> code_of(Bytes bytes) {
    constexpr std::size_t kFixed = offsetof(at_box_code, table);
    if (bytes.size() < kFixed || bytes.size() > sizeof(at_box_code)) return cut("code");
    at_box_code code{};
    std::memcpy(static_cast<void*>(&code), bytes.data(), bytes.size());
    if (code.name_size > AT_BOX_TEXT_OBJECT || code.file_size > AT_BOX_TEXT_OBJECT ||
        code.table_size > bytes.size() - kFixed)
        return cut("code");
    CodeMemory out{.head = code.head, .ranges = {}};
    const auto add = [&](std::uint64_t address, const std::uint8_t* from, std::size_t size) {
        const auto* first = reinterpret_cast<const std::byte*>(from);
        if (address != 0 && size != 0) out.ranges.push_back({address, {first, first + size}});
    };
    add(code.code_at, code.code, sizeof code.code);
    add(code.name_at, code.name, code.name_size);
    add(code.file_at, code.file, code.file_size);
    add(code.table_at, code.table, code.table_size);
    return BoxRecord(std::move(out));
}

Result<BoxRecord> thread_of(Bytes bytes) {
    constexpr std::size_t kFixed = offsetof(at_box_thread, stack);
    if (bytes.size() < kFixed || bytes.size() > sizeof(at_box_thread)) return cut("a thread");
    struct Fixed {
        at_box_head head;
        at_box_registers registers;
        std::uint64_t stack_base;
        std::uint32_t stack_pages, python_count, python_result, reserved;
        at_python_frame python[AT_MAX_PYTHON_FRAMES];
    } fixed{};
    static_assert(sizeof fixed == kFixed);
    std::memcpy(static_cast<void*>(&fixed), bytes.data(), kFixed);
    if (fixed.stack_pages > AT_BOX_STACK_PAGES || fixed.python_count > AT_MAX_PYTHON_FRAMES ||
        fixed.python_result > AT_PYTHON_NO_THREAD ||
        bytes.size() < kFixed + std::size_t{fixed.stack_pages} * AT_BOX_PAGE)
        return cut("a thread");
    const Bytes stack = bytes.subspan(kFixed, std::size_t{fixed.stack_pages} * AT_BOX_PAGE);
    return BoxRecord(ThreadState{.head = fixed.head,
                                 .registers = fixed.registers,
                                 .stack_base = fixed.stack_base,
                                 .stack = {stack.begin(), stack.end()},
                                 .python = {fixed.python, fixed.python + fixed.python_count},
                                 .python_result = static_cast<at_python_result>(fixed.python_result)});
}

}  // namespace

Result<BoxRecord> decode_box_record(Bytes bytes) {
    at_box_head head{};
    if (!take_head(bytes, sizeof head, head)) return cut("nothing");
    switch (head.record) {
        case AT_BOX_PROGRAM:
        case AT_BOX_CODE_MAPPED: {
            at_box_mapped mapped{};
            if (!take_head(bytes, sizeof mapped, mapped)) return cut("a mapping");
            return BoxRecord(mapped);
        }
        case AT_BOX_SEEN:
        case AT_BOX_PRESSURE:
        case AT_BOX_OVER: {
            at_box_notice notice{};
            if (!take_head(bytes, sizeof notice, notice)) return cut("a notice");
            return BoxRecord(notice);
        }
        case AT_BOX_DYING: {
            at_box_dying dying{};
            if (!take_head(bytes, sizeof dying, dying)) return cut("a death");
            return BoxRecord(dying);
        }
        case AT_BOX_OPEN_FILES: return files_of(bytes);
        case AT_BOX_CODE: return code_of(bytes);
        case AT_BOX_THREAD: return thread_of(bytes);
        default: return fail(Errc::corrupt, "a record of unknown kind " + std::to_string(head.record));
    }
}

}  // namespace autotune::black_box
