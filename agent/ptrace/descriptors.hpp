// Descriptors: what the descriptors of one process are, asked of the kernel once each.
//
// An entry lives from the first call on the descriptor to its close; who makes descriptors (socket, pipe,
// epoll_create) need not be seen, because a number is used again only after it was closed. Shared by processes
// that share their table (CLONE_FILES), copied by fork, emptied by exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bpf/wire.h"
#include "os/fd.hpp"

namespace autotune::ptrace {

// A connection on which the Runtime API was spoken.
struct Control {
    bool awaiting = false;       // GET …/next was sent, the head of the answer is still to come
    std::uint32_t received = 0;  // bytes of that answer so far
};

// A connection that speaks HTTP: how much of what comes next may still be a head.
struct HttpTalk {
    std::uint32_t left_received = 0;
    std::uint32_t left_sent = 0;
    bool also_body = false;  // what is received: an action's request, whose body says what is to be done
};

struct Descriptor {
    std::optional<at_file> type;  // after look_up() never empty
    bool has_name = false;        // the decoder knows it …
    std::string name;             // … by this one
    bool is_connected = false;    // then the ends below do not change any more
    at_endpoint local{};
    at_endpoint peer{};
    std::string unix_name;        // what a Unix socket is known by; '@' first: in the abstract namespace
    bool is_datagram = false;
    std::optional<Control> control;
    std::optional<HttpTalk> http;
    std::string beginning;                   // of what may become a request to the Runtime API
    std::optional<at_io_record> connecting;  // a connect that answered EINPROGRESS; header.at_ns: when
};

class Descriptors {
public:
    // Of the stopped process `pid`. The reference is good until the table changes.
    Descriptor& look_up(pid_t pid, int fd);
    [[nodiscard]] Descriptor* find(int fd);
    // By an open that was told with its name.
    void opened(int fd, std::string name) {
        known_[fd] = {};
        known_[fd].has_name = true;
        known_[fd].name = std::move(name);
    }
    void duplicated(int from, int to);
    void closed(int first, int last);  // last < 0: all from first on
    void clear() { known_.clear(); }
    // For a child with a table of its own: conversations go on in the parent.
    [[nodiscard]] Descriptors for_child() const;

private:
    static constexpr std::size_t kCapacity = 65'536;  // past it all is asked again
    std::unordered_map<int, Descriptor> known_;
};

// The name of a Unix socket, given what follows the family in its address.
[[nodiscard]] std::string unix_name(std::string_view bytes);

// Both ends of the socket, as far as they are known: a copy of the descriptor is asked. `pidfd`: of the process.
void read_endpoints(const Fd& pidfd, int fd, Descriptor& to);

}  // namespace autotune::ptrace
