// Debuginfod: separate debug files from the servers that DEBUGINFOD_URLS names, fetched in the background.
//
// Asking never waits: a thread of its own fetches one file after the other into libdebuginfod's cache (shared with gdb
// and others), each within a time and a size. libdebuginfod is loaded when the first file is asked for; without it,
// and without servers, every answer is `absent`. Nothing is asked of the network unless the environment names servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace autotune::symbols {

struct DebuginfodOptions {
    bool enabled = false;                      // libdebuginfod reads the servers' addresses from the environment
    Nanos time_limit = std::chrono::seconds(20);  // a file
    std::uint64_t max_bytes = 256u << 20;      // a file
};

// Enabled when DEBUGINFOD_URLS is set and not empty.
[[nodiscard]] DebuginfodOptions debuginfod_of_environment();

// One file that was asked for, and what came of it.
struct Fetch {
    std::string build_id;
    std::string path;   // of the file; "" when there is none
    std::string error;  // why not
    Nanos took{};
};

// One thread asks; its own thread fetches.
class Debuginfod {
public:
    explicit Debuginfod(DebuginfodOptions options);
    // Gives up a file under way, within about a second.
    ~Debuginfod();
    Debuginfod(const Debuginfod&) = delete;
    Debuginfod& operator=(const Debuginfod&) = delete;

    enum class State : std::uint8_t { pending, here, absent };
    struct Answer {
        State state = State::absent;
        std::string path;  // when it is here; its contents are to be checked
    };
    // `build_id`: hex. Asks the servers when it is new; of more than so many at a time the rest is absent, and counted.
    [[nodiscard]] Answer ask(const std::string& build_id);

    // How many answers have come: another number means that it is worth asking again.
    [[nodiscard]] std::uint64_t answered() const;
    // What was asked of the servers and answered so far.
    [[nodiscard]] std::vector<Fetch> fetches() const;
    [[nodiscard]] std::uint64_t refused() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::symbols
