// PathForest: works and the calls made for them, as critical paths need them: from owners, or from calls put together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/flow.hpp"
#include "core/owner_graph.hpp"
#include "core/service_call.hpp"

namespace autotune::analysis {

enum class PathOrigin : std::uint8_t {
    outside,   // nobody that was seen asked for it
    waited,    // a call that waited for its end
    detached,  // a call that did not: it goes on by itself
    unknown,   // somebody, nobody knows for which work
};

struct PathWork {
    std::uint32_t service = 0, kind = 0;  // indexes into names and kinds
    std::int64_t start = 0, end = 0;      // nanoseconds of its own clock; start <= end
    PathOrigin origin = PathOrigin::outside;
    bool open = false;  // its end was not seen
    std::string id;
};

struct PathCall {
    static constexpr std::uint32_t kNone = 0xffffffff;
    std::uint32_t parent = 0;         // work
    std::uint32_t child = kNone;      // work it waited for the end of
    std::uint32_t service = 0;        // that was called
    std::int64_t start = 0, end = 0;  // of the parent's clock; start <= end
    std::uint32_t source = kNone;     // its index in the graph that it was made of
    std::int64_t longer = 0;          // what it asked for went on so long after its end
};

// Calls begin when their work does, or later. A work is the child of one call at most, and no longer than that.
struct PathForest {
    std::vector<std::string> names, kinds;
    std::vector<PathWork> works;
    std::vector<PathCall> calls;
    std::uint64_t not_kept = 0;
};

[[nodiscard]] PathForest path_forest(const OwnerGraph& graph);

// The same of calls between services, once it is known for which each was made. One owner.
class CallForest {
public:
    static constexpr std::int64_t kLongest = 3650LL * 86'400 * 1'000'000'000;  // ten years: differences fit, whatever the times

    // Calls beyond `most`, and longer ones than that, are counted and left out.
    explicit CallForest(std::size_t most = 2'000'000) : most_(most) {}

    void add(const ServiceCall& call);
    // In any order; of calls that were added.
    void give(const CallParent& found);
    // REQUIRES: called once; names as the calls' numbers are.
    [[nodiscard]] PathForest finish(const FlowNames& names);

private:
    static constexpr std::uint32_t kNone = PathCall::kNone;
    struct Held {
        ServiceCall call;
        std::uint32_t parent = kNone;
    };
    std::size_t most_;
    std::vector<Held> held_;
    std::unordered_map<std::string, std::uint32_t> by_id_;
    std::uint64_t not_kept_ = 0;
};

}  // namespace autotune::analysis
