// RuntimeSource: exact calls told by probes inside the processes themselves, through rings in shared memory.
//
// It launches nothing. Whoever starts a program with probes gives it a folder (environment AUTOTUNE_RING, see
// make_ring_folder()); each process, each forked child and each program exec'ed below makes a file there,
// which is found within milliseconds and removed when it is read to the end. A ring elsewhere, of probes
// loaded into a running process, is given by watch().
//
// CallDone for single calls, as many as the consumer takes; the ring holds about a million more, then they
// are counted as Lost (ring_full). CallTotals are exact whatever was lost; `shed` counts calls that are in
// neither: deeper than the stack of 65,536, in the handler of a signal that met a probe at work, or in the
// 4,097th thread. The agent needs no privilege but to read the files. One thread uses it at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/event_source.hpp"
#include "core/result.hpp"
#include "os/owned_folder.hpp"

namespace autotune::runtime {

enum class CallDetail : std::uint8_t {
    off,     // probes pair calls and read no clock
    totals,  // CallTotals only
    each,    // CallDone too
};

struct RuntimeOptions {
    std::string folder;  // empty: only what watch() names
    CallDetail calls = CallDetail::each;
    std::size_t max_calls_per_poll = 65'536;  // bounds a batch; the rest waits in the rings
    Nanos drain_every{std::chrono::milliseconds(2)};
    Nanos totals_every{std::chrono::milliseconds(250)};
};

// Counts since start.
struct RuntimeHealth {
    std::size_t rings = 0;        // open now
    std::uint64_t processes = 0;  // that had one
    std::uint64_t calls = 0;      // CallDone events given
    std::uint64_t refused = 0;    // files in the folder that are no rings, or of another version
};

class RuntimeSource : public EventSource {
public:
    // A ring at a path that leads to the process: /proc/PID/fd/N, /proc/PID/root/dev/shm/…. Errors: as of
    // RingFile::open; not_found when the process has gone.
    virtual Status watch(const std::string& path, std::int32_t pid) = 0;
    // From now on, in all processes that run and that will come.
    virtual Status set_calls(CallDetail calls) = 0;
    [[nodiscard]] virtual RuntimeHealth health() const = 0;
};

[[nodiscard]] std::unique_ptr<RuntimeSource> make_runtime_source(const RuntimeOptions& options);

// A folder in memory for the rings of programs of user `uid`. Errors: permission_denied, unavailable when /dev/shm is
// missing or full.
[[nodiscard]] Result<OwnedFolder> make_ring_folder(std::uint32_t uid);

}  // namespace autotune::runtime
