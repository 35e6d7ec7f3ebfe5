#include "agent/symbols/mapping_record.hpp"

#include <linux/perf_event.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace autotune::symbols {

namespace {

struct Head {
    perf_event_header header;
    std::uint32_t pid, tid;
};
struct Mmap2 {
    Head head;
    std::uint64_t address, length, page_offset;
    std::uint32_t major, minor;
    std::uint64_t inode, generation;
    std::uint32_t protection, flags;
    // the path, with a NUL and up to eight bytes' alignment; the time
};
using Time = std::uint64_t;

template <class T>
std::optional<T> read(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace

std::optional<NewMapping> decode_mapping_record(std::span<const std::byte> record) {
    const auto head = read<Head>(record);
    if (!head || head->header.size != record.size() || record.size() < sizeof(Head) + sizeof(Time)) return std::nullopt;
    const auto time = read<Time>(record.last(sizeof(Time)));
    NewMapping out{.at = from_ns(static_cast<std::int64_t>(*time)), .pid = static_cast<std::int32_t>(head->pid), .mapping = {}};
    if (head->header.type == PERF_RECORD_COMM && (head->header.misc & PERF_RECORD_MISC_COMM_EXEC) != 0) {
        out.what = NewMapping::What::program;
        return out;
    }
    if (head->header.type == PERF_RECORD_FORK) {
        // Behind the ids of the processes: here the parent's stands where else a thread's does.
        if (head->pid == head->tid) return std::nullopt;  // a thread
        out.what = NewMapping::What::forked;
        out.parent = static_cast<std::int32_t>(head->tid);
        return out;
    }
    const auto mmap = read<Mmap2>(record);
    if (head->header.type != PERF_RECORD_MMAP2 || !mmap || record.size() < sizeof(Mmap2) + sizeof(Time)) return std::nullopt;
    const auto path = record.subspan(sizeof(Mmap2), record.size() - sizeof(Mmap2) - sizeof(Time));
    const auto* text = reinterpret_cast<const char*>(path.data());
    const std::size_t size = strnlen(text, path.size());
    if (size == path.size() || mmap->length == 0 || mmap->address + mmap->length < mmap->address) return std::nullopt;
    out.mapping = {.start = mmap->address,
                   .end = mmap->address + mmap->length,
                   .offset = mmap->page_offset,
                   .device = makedev(mmap->major, mmap->minor),
                   .inode = mmap->inode,
                   .path = mmap->inode != 0 ? std::string(text, size) : ""};
    return out;
}

}  // namespace autotune::symbols
