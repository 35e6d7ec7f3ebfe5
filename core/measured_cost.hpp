// MeasuredCost: the cost model of what an agent has on record, and how sure its figures are. Passive; made by
// analyzer/cost.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/cost_model.hpp"
#include "core/time.hpp"

namespace autotune {

// What was counted of one function in a part of the time. Times are sums, in ns.
struct CostSums {
    std::uint64_t calls = 0;  // one that stands for several counts as so many
    std::int64_t duration = 0;
    std::vector<std::int64_t> billed;  // by tariff, in the order in which they were given
};

// What was measured of a function at a memory that it had for a while.
struct MeasuredMemory {
    Decimal cold, init_ms;           // as CostEndpoint has them
    std::uint64_t init_unknown = 0;  // cold starts whose length is not on record
    std::vector<CostSums> slices;    // equal parts of the time, oldest first; of this memory's calls alone
};

// One function at the memory that its figures are of.
struct MeasuredEndpoint {
    std::uint32_t endpoint = 0;       // index into the model's
    std::vector<CostSums> slices;     // equal parts of the time, oldest first; of all memories the calls
    std::map<std::int64_t, MeasuredMemory> others = {};  // by MB
};

struct MeasuredCost {
    CostModel model;
    WallTime from, to;               // what it is made of
    Decimal scale;                   // a period is so many times as long
    Decimal period_hours;
    std::uint64_t invocations = 0;   // records
    std::vector<std::string> tariffs;            // by name, as the sums' `billed`
    std::vector<MeasuredEndpoint> functions;     // by endpoint
    std::vector<std::string> unknown_memory;     // services whose memory is on no record; the model's is no measurement
    std::vector<std::string> remarks;            // what is not known, not counted or taken to be
};

// Between what a bill lies, were the period made of times like those measured.
struct CostInterval {
    double level = 0.95;
    Decimal low, high;
    std::uint32_t draws = 0, slices = 0;
};

}  // namespace autotune
