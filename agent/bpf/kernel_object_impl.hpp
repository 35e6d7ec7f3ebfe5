// KernelObject::Impl: the skeleton (which brings libbpf) and what was made of it; only for the files that make up
// KernelObject.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/bpf/kernel_object.hpp"
#include "agent/bpf/uprobe_link.hpp"
#include "bpf/source.skel.h"
#include "os/fd.hpp"

namespace autotune {

struct SkeletonCloser {
    void operator()(::source* s) const { source__destroy(s); }
};
struct RingCloser {
    void operator()(ring_buffer* r) const { ring_buffer__free(r); }
};
struct LinkCloser {
    void operator()(bpf_link* l) const { bpf_link__destroy(l); }
};
using BpfLink = std::unique_ptr<bpf_link, LinkCloser>;

class KernelObject::Impl {
public:
    std::unique_ptr<::source, SkeletonCloser> skeleton;
    std::vector<BpfLink> links;
    std::vector<BpfLink> at_calls, at_sockets;  // system calls, and what may stand in for them (by_socket)
    bool has_socket_ends = false;               // the kernel has
    bool attached = false;
    bool by_socket = false;                     // wanted: no system call is looked at
    std::vector<BpfLink> settles_switches, notes_switches;  // context switches: in full, or in brief (settles_apart)
    bool settles_apart = false;                 // wanted: boundaries and the agent do, not switches
    std::vector<BpfLink> uprobes;  // one a probe, or …
    std::vector<Fd> many_probes;   // … all of a file in one
    bool many_uprobes = false;     // the kernel can
    std::unique_ptr<ring_buffer, RingCloser> ring;
    Fd urgent;      // epoll: wakes for urgent records only
    Fd statistics;  // while open, the kernel times programs
    std::vector<std::string> missing;
    int cpus = 1;
    std::size_t slots = 0;  // of counted system calls

    // The drain under way.
    const std::function<void(std::span<const std::byte>)>* take = nullptr;
    std::size_t taken = 0;
    std::size_t most = 0;

    static int on_record(void* self, void* data, std::size_t size);
    void adapt_to_kernel();  // REQUIRES: not loaded
    Status open_ring();
    Status attach_to(std::vector<BpfLink>& links, std::span<bpf_program* const> programs);
    Status attach_boundaries();  // at system calls or at sockets, as wanted
    Status attach_switches();    // in full or in brief, as wanted
    Status probe(const bpf_program* program, const std::string& path, UprobeAt at,
                 std::span<const std::uint64_t> offsets, std::span<const std::uint64_t> cookies);

    template <class Key>
    [[nodiscard]] static std::vector<Key> keys(const bpf_map* map) {
        std::vector<Key> found;
        Key key{};
        for (int e = bpf_map__get_next_key(map, nullptr, &key, sizeof key); e == 0;
             e = bpf_map__get_next_key(map, &key, &key, sizeof key))
            found.push_back(key);
        return found;
    }
};

}  // namespace autotune
