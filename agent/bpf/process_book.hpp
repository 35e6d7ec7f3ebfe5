// ProcessBook: what the decoder remembers of watched processes, and of the sandboxes they are in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/bpf/executor_environment.hpp"
#include "agent/bpf/fd_table.hpp"
#include "agent/bpf/http_conversation.hpp"
#include "agent/bpf/mapped_files.hpp"
#include "agent/bpf/server_name.hpp"
#include "bpf/wire.h"
#include "core/event.hpp"

namespace autotune {

// The head of an answer to GET …/next, arriving in parts.
struct PartialAnswer {
    std::string head;
    Timestamp at;  // of the first part
    CgroupUsage usage;
    std::uint32_t stands_for = 1;
};

enum class Wrapping : std::uint8_t { none, tls };

// What a server's request was taken for.
struct ServedWork {
    enum class Kind : std::uint8_t { none, invocation, initialisation };
    Kind kind = Kind::none;
    Boundary boundary{};
    InvocationId id;
};

// A connection on which HTTP was heard.
struct HttpConnection {
    HttpConversation talk;
    Endpoint local;
    Endpoint peer;
    Wrapping wrapping = Wrapping::none;
    int fd = -1;         // -1: not known
    CgroupUsage usage;   // newest reading that came with a head
    std::optional<ServedWork> work;  // what is being worked on
};

struct KnownProcess {
    ProcessId id;
    CgroupId cgroup{};
    std::int32_t parent = 0;  // 0: not known
    FdTable files;
    MappedFiles mappings;
    std::optional<ExecutorEnvironment> environment;  // when it has Lambda's variables
    Endpoint runtime_api;                            // control plane: not reported as I/O
    bool announced = false;                          // as an executor
    bool init_failed = false;                        // told already
    std::map<int, PartialAnswer> answers;            // by descriptor
    std::map<int, HttpConnection> http;              // by descriptor
    std::map<std::uint64_t, HttpConnection> tls;     // by the TLS library's object
    std::optional<ServiceName> service;              // by its environment, once it has served
    std::string action;                              // of OpenWhisk, by its initialisation
    std::uint64_t served = 0;                        // invocations that had no id of their own
};

class ProcessBook {
public:
    // The process of this record, new if it was not known or its pid was somebody else's.
    KnownProcess& open(const at_header& header);
    // Null when not known.
    [[nodiscard]] KnownProcess* find(const at_header& header);
    [[nodiscard]] KnownProcess* find_pid(std::int32_t pid);
    // False when it had ended already: two threads that leave together are both told.
    bool close(const at_header& header);

    // Records were lost, those that open and close among them perhaps: names are asked for again.
    void forget_names();
    // Transfers were lost: where in a message a connection is, is not known.
    void forget_conversations();
    [[nodiscard]] std::unordered_map<std::int32_t, KnownProcess>& all() { return processes_; }

    // The first executor of a cgroup; its children inherit the environment without being executors.
    // False when the cgroup has one that lives.
    bool claim_sandbox(const KnownProcess& process);
    [[nodiscard]] bool owns_sandbox(const KnownProcess& process) const;
    void mark_ready(CgroupId cgroup) { sandboxes_[cgroup].is_ready = true; }
    // Executors whose cgroup has other processes that are neither ancestors nor descendants of theirs.
    struct SharedSandbox {
        ProcessId executor;
        std::size_t strangers = 0;
    };
    [[nodiscard]] std::vector<SharedSandbox> shared_sandboxes();
    [[nodiscard]] bool was_ready(CgroupId cgroup) const;
    // The first of the boundaries that were heard in a cgroup; that which everybody speaks when none was.
    void hear(CgroupId cgroup, Boundary boundary);
    [[nodiscard]] Boundary boundary(CgroupId cgroup) const;

    [[nodiscard]] std::size_t size() const { return processes_.size(); }

private:
    [[nodiscard]] bool descends(const KnownProcess& process, std::int32_t ancestor);

    struct Sandbox {
        ProcessId executor;
        bool is_ready = false;
        Boundary boundary = Boundary::http;
    };
    static constexpr std::size_t kCapacity = 65'536;  // past it all is forgotten: better than growing
    std::unordered_map<std::int32_t, KnownProcess> processes_;
    std::unordered_map<CgroupId, Sandbox> sandboxes_;
    std::deque<ProcessId> ended_;
};

}  // namespace autotune
