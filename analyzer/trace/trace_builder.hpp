// TraceBuilder: Events in, one Trace out.
//
// Pure, like the Analyzer: the same events in the same batches give the same Trace. Events are put into time
// order by holding them back `hold_back` behind the newest; what comes later than that is used all the same
// and counted. Memory is bounded by the options; what a bound folds together is counted. One owner.
//
//     builder.ingest(batch);
//     batch.events.clear();              // never batch.tables
//     const Trace trace = builder.finish(batch);
#pragma once

#include <cstddef>
#include <memory>

#include "core/trace.hpp"

namespace autotune {

struct TraceOptions {
    std::string provider = "aws-lambda";
    Nanos wall_offset{0};  // wall time of Timestamp 0
    Nanos hold_back = std::chrono::milliseconds(100);
    std::size_t nodes = 500'000;      // of all trees
    std::size_t invocations = 1'000;  // with a tree of their own; further ones of a function share one
    std::size_t processes = 10'000;   // newest win
};

class TraceBuilder {
public:
    explicit TraceBuilder(TraceOptions options = {});
    ~TraceBuilder();
    TraceBuilder(TraceBuilder&&) noexcept;
    TraceBuilder& operator=(TraceBuilder&&) noexcept;

    // REQUIRES: the same batch.tables in every call.
    void ingest(const EventBatch& batch);

    // What was seen, all of it. REQUIRES: called once, after which nothing is ingested.
    [[nodiscard]] Trace finish(EventBatch& batch);

    struct Progress {
        std::uint64_t events = 0, calls = 0, invocations = 0, lost = 0;
    };
    [[nodiscard]] Progress progress() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace autotune
