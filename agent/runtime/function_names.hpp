// FunctionNames: what a ring's writer calls a function, as a frame: its code's address by the symbolizer, or
// the name that the writer told in the ring's table.
//
// Remembers; bounded. The modules that the writer told serve for a process that is gone before anybody could
// read its mappings. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/runtime/ring_file.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "core/ids.hpp"
#include "core/tables.hpp"

namespace autotune::runtime {

// A watched expression's value, as the writer told it.
struct ToldValue {
    at_ring_value head{};
    std::string expression;
    std::string value;
};

class FunctionNames {
public:
    FunctionNames(const ProcessId& process, symbols::Symbolizer& symbolizer)
        : process_(process), symbolizer_(&symbolizer) {}

    // Reads what is new of the table of names. After refresh() of the file, before resolve().
    void learn(const RingFile& file);

    // What learn() has found since the last call.
    [[nodiscard]] std::vector<ToldValue> take_values() { return std::exchange(values_, {}); }

    // The unknown frame for 0 and for a name that is not in the table.
    [[nodiscard]] FrameId resolve(const RingFile& file, std::uint64_t function, Tables& tables);

private:
    [[nodiscard]] FrameId named(const RingFile& file, std::uint64_t offset, Tables& tables) const;

    ProcessId process_;
    symbols::Symbolizer* symbolizer_;
    std::unordered_map<std::uint64_t, FrameId> known_;
    std::uint64_t learnt_ = 8;  // offset up to which modules and values were looked for
    std::vector<ToldValue> values_;
    std::vector<symbols::Mapping> modules_;
};

}  // namespace autotune::runtime
