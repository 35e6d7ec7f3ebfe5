// What is remembered of each function: its latest invocations, stack samples and losses, all bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "analyzer/change_watch.hpp"
#include "analyzer/observed.hpp"
#include "analyzer/sample_ring.hpp"
#include "core/ids.hpp"
#include "core/invocation.hpp"
#include "core/time.hpp"

namespace autotune::analysis {

// All traffic of an invocation with one dependency: the peers that bear one name.
struct DependencyTotals {
    std::string name;
    std::uint64_t calls = 0;  // with failed connections
    std::uint64_t errors = 0;
    std::uint64_t bytes_sent = 0, bytes_received = 0;
    Nanos wait{0};
};

// An invocation as the facts need it.
struct Record {
    std::uint64_t serial = 0;
    InvocationId id;
    std::uint64_t trace = 0;  // hash of the trace's root; 0 = none
    std::string version;
    Timestamp start, end;
    Nanos time_limit{0}, init{0}, cpu{0}, runnable{0}, network_wait{0}, disk_wait{0};
    InvocationStatus status = InvocationStatus::unknown;
    bool cold = false, memory_peak_is_bound = false;
    std::uint32_t memory_mb = 0, stands_for = 1;
    std::uint64_t memory_peak = 0;
    std::vector<DependencyTotals> dependencies;

    [[nodiscard]] Nanos duration() const { return end - start; }
    // Even reading the work takes CPU: 0 means that no reading was to be had.
    [[nodiscard]] bool cpu_known() const { return cpu.count() > 0; }
};

struct Loss {
    Timestamp at;
    std::uint64_t count = 0;
};

struct FunctionBook {
    FunctionRef function;
    Timestamp last_seen = Timestamp::min();
    std::deque<Record> records;  // by end, but for those that a kill let overtake by milliseconds
    std::deque<Loss> losses;     // while one of its invocations was open
    SampleRing samples;
    ChangeWatch changes{};
    Observed observed{};
};

struct HistoryLimits {
    Nanos span{0};
    std::size_t records = 0, samples = 0, functions = 0;
};

class History {
public:
    explicit History(const HistoryLimits& limits) : limits_(limits) {}

    // nullptr when it would be one function too many. Stays valid for the history's life.
    FunctionBook* book(const FunctionRef& function, Timestamp now);
    void add(FunctionBook& book, Record record);
    void add_loss(FunctionBook& book, Loss loss);

    [[nodiscard]] const std::map<FunctionRef, FunctionBook>& books() const { return books_; }
    [[nodiscard]] const HistoryLimits& limits() const { return limits_; }

private:
    HistoryLimits limits_;
    std::map<FunctionRef, FunctionBook> books_;
};

[[nodiscard]] Record summarise(const Invocation& invocation, std::uint64_t serial);

}  // namespace autotune::analysis
