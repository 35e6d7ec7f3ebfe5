// Serving: whose deed is it, where a process may serve several invocations at once?
//
// Asked in this order, and never guessed:
//   1. Does its thread serve one invocation? The thread that received the request does, until the answer. Not in a
//      process where another thread was seen to answer: there work goes from thread to thread (Go, event loops with
//      workers).
//   2. Is it on the connection that the request of one came on?
//   3. Does it carry the trace context of one (the same trace id)?
//   4. Is one alone in its process, or in the nearest above that serves, and always was, and only one thread was
//      ever seen to serve there?
// Else it could be any open one's there, and is ambiguous. What a thread that has served does when it serves nobody is
// nobody's; so is accepting connections, and waiting that only could be somebody's. A child process is
// whose its forking thread's deeds were at the fork.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "analyzer/process_table.hpp"
#include "core/event.hpp"

namespace autotune::analysis {

class Serving {
public:
    using Serial = std::uint64_t;  // of an invocation; 0: nobody's

    explicit Serving(const ProcessTable& processes) : processes_(processes) {}

    // What traces are called. REQUIRES: before anything else, and again when the tables are others.
    void use(const Tables& tables) { tables_ = &tables; }

    void begin(Serial serial, const Event& event, const InvocationStarted& what);
    // `by`: that answered; the receiver where it was not seen.
    void end(Serial serial, ThreadId by = {});
    void forked(const Event& event, const ProcessStarted& what);
    void exited(const Event& event);

    // Whose deed the event tells of; 0 too when it is ambiguous, then among() says whose it could be.
    [[nodiscard]] Serial owner_of(const Event& event);
    [[nodiscard]] const std::vector<Serial>& among() const { return among_; }

    // Was it served beside another one of its process; by a thread that served another one meanwhile?
    struct Sharing {
        bool process = false, thread = false;
    };
    [[nodiscard]] Sharing sharing(Serial serial) const;

private:
    struct Open {
        Serial serial = 0;
        ThreadId thread{};
        std::int32_t fd = -1;
        std::uint64_t trace = 0;
        Timestamp start;
        Boundary boundary{};
        Sharing sharing;
    };
    struct Server {
        std::vector<Open> open;
        std::unordered_set<ThreadId> threads;  // that have served
        bool has_many = false;                 // of them there were several
        bool hops = false;                     // threads take over from each other
    };
    // What an event says of whose it is.
    struct Clue {
        bool is_accept = false, is_wait = false;
        std::int32_t fd = -1;
        std::uint64_t trace = 0;
        Timestamp since = Timestamp::min();  // a server's exchange: when it began
    };

    [[nodiscard]] Clue clue_of(const Event& event) const;
    [[nodiscard]] Server* nearest(const ProcessId& process);
    [[nodiscard]] Serial by_clue(const std::vector<Open>& open, const Clue& clue, const ThreadId* thread) const;
    [[nodiscard]] static bool is_alone(const Server& server);
    [[nodiscard]] Serial owner(Server& server, ThreadId thread, bool is_child, const Clue& clue);

    const ProcessTable& processes_;
    const Tables* tables_ = nullptr;
    std::unordered_map<std::int32_t, Server> servers_;              // by pid
    std::unordered_map<Serial, std::int32_t> open_;                 // pid of each
    std::unordered_map<std::int32_t, Serial> children_;             // pids that were forked for one
    std::vector<Serial> among_;
};

}  // namespace autotune::analysis
