// One size for calls whose inputs differ, and which size each input bucket would need: of a table that tells the bucket, or of
// whatever else can be called.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/size_replay.hpp"
#include "rules/sizing/mix.hpp"

namespace autotune::cli {

struct InputBucket {
    std::string name;   // as the table has it
    double weight = 0;  // its share of the table's rows
    CallsBySize calls;
};

// Buckets in the order of their input sizes, or by name. Only sizes at which every bucket has a call are kept; `left_out` gets the
// others. Errors: as of read_calls; invalid_argument too for more than 16 buckets, more than 256 sizes, no size in common.
[[nodiscard]] Result<std::vector<InputBucket>> read_buckets(const std::string& path, const std::string& by,
                                                            std::vector<std::uint32_t>& left_out);

struct BucketChoice {
    std::string name;
    double weight = 0;
    rules::sizing::Choose own;     // what it would need by itself
    rules::sizing::Choose at_mix;  // what the mix's size means to it; memory_mb 0: it does not work there, or none was chosen
    rules::sizing::State state;
};

struct MixRun {
    SizeRun run;  // of the mix: its draws with their buckets; its state has the cells of no bucket
    std::vector<BucketChoice> buckets;
    std::vector<rules::sizing::Expected> curve;  // of the mix, by size; empty where a bucket succeeded nowhere
};

struct BucketShare {
    std::string name;
    double weight = 0;  // > 0; of all together 1
};

// The next call of a bucket at a size; nullopt: no more, the search ends with what it has.
using MixDraw = std::function<Result<std::optional<SizeRow>>(std::size_t bucket, std::uint32_t memory_mb)>;

// First the search for the mix's size, then, with what the budget leaves, that for each bucket's own. Errors: those of `draw`; as of
// search. REQUIRES: a bucket; sizes ascending, none twice, not empty.
[[nodiscard]] Result<MixRun> search_mix(const std::vector<BucketShare>& buckets, const std::vector<std::uint32_t>& sizes_mb,
                                        const SizeOrder& order, rules::sizing::Limit limit, const MixDraw& draw);

// The same, each drawn from the table as `replay` does.
[[nodiscard]] Result<MixRun> replay_mix(std::vector<InputBucket> buckets, const SizeOrder& order, rules::sizing::Limit limit);

}  // namespace autotune::cli
