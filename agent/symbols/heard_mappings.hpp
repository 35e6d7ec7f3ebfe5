// HeardMappings: what files each process has mapped to be executed, as far as it was heard of. Bounded: the processes
// that were heard of longest ago go, and of one process 512 are kept. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "agent/symbols/mapping_record.hpp"

namespace autotune::symbols {

class HeardMappings {
public:
    explicit HeardMappings(std::size_t most_processes = 2048) : most_(most_processes) {}

    // In the order of time. A new program begins anew, a new process with what its parent has; what a mapping overlaps goes, and
    // memory without a file is not kept.
    void add(const NewMapping& heard);
    // The process has all this mapped, and nothing else.
    void put(std::int32_t pid, Timestamp at, std::vector<Mapping> mappings);
    // By start. Null: nothing was heard of it, or of one that had that pid before `began`. Valid until the next call.
    [[nodiscard]] const std::vector<Mapping>* of(std::int32_t pid, Timestamp began) const;

private:
    struct Heard {
        Timestamp since;
        std::vector<Mapping> mappings;
    };
    Heard& heard_of(std::int32_t pid);

    std::size_t most_;
    std::unordered_map<std::int32_t, Heard> processes_;
    std::deque<std::int32_t> order_;  // of their first mappings
};

}  // namespace autotune::symbols
