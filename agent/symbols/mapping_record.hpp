// What the kernel tells of a process's mappings as they come: perf's records of executable mappings, new programs and new
// processes (linux/perf_event.h, PERF_RECORD_MMAP2, _COMM, _FORK), each with its time behind it. Pure, total.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "agent/symbols/process_maps.hpp"
#include "core/time.hpp"

namespace autotune::symbols {

struct NewMapping {
    Timestamp at;
    std::int32_t pid = 0;
    enum class What : std::uint8_t {
        mapped,   // `mapping`; without a file: memory that may be executed
        program,  // it is another program from here on, and has nothing mapped yet
        forked,   // it has begun, with what `parent` has mapped
    } what = What::mapped;
    std::int32_t parent = 0;
    Mapping mapping;
};

// One record, its head included. Nothing: another kind of record, or a damaged one.
[[nodiscard]] std::optional<NewMapping> decode_mapping_record(std::span<const std::byte> record);

}  // namespace autotune::symbols
