// KernelProbes: the programs of bpf/calls.bpf.c, loaded, and uprobes that run them. The only file of this
// room that speaks to libbpf. One thread.
//
// A library's functions are attached in one system call where the kernel can (uprobe_multi, Linux 6.6; entry
// and return in one program from 6.13: uprobe.session), else as pairs of perf events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/calls_wire.h"
#include "bpf/logic/call_stack.h"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::native {

enum class AttachMethod : std::uint8_t { session, multi, pairs };
[[nodiscard]] std::string_view to_string(AttachMethod method);  // "uprobe.session", …

enum class ProbeUse : std::uint8_t {  // in the order in which they are attached: ends before beginnings
    exit_site,                        // an instruction that leaves a function
    entry,                            // alone
    call,                             // entry, and a return probe
    line,                             // values only
};

// Probes of one kind in one file.
struct ProbeSet {
    std::string path;
    ProbeUse use{};
    std::vector<std::uint64_t> offsets;  // in the file
    std::vector<std::uint64_t> cookies;  // the function's index, one for each offset
};

struct CallSums {
    at_call_key key{};
    at_call_sums sums{};
};

class KernelProbes {
public:
    // Errors: permission_denied, unsupported.
    [[nodiscard]] static Result<KernelProbes> load(AttachMethod method, std::size_t functions,
                                                   std::size_t ring_bytes);
    ~KernelProbes();
    KernelProbes(KernelProbes&&) noexcept;
    KernelProbes& operator=(KernelProbes&&) noexcept;

    Status describe(std::uint32_t index, const at_native_function& function);
    Status wish(std::uint32_t index, const at_native_wish& value);
    // Follows processes: fork, exec, exit. Before the first attach().
    Status follow();
    Status attach(const ProbeSet& probes);
    void detach();  // all probes; what is in the ring stays there

    // Whose calls are told. Neither processes nor cgroups: everybody's.
    Status watch(std::span<const std::int32_t> processes, std::span<const CgroupId> cgroups);
    [[nodiscard]] bool watches_a_process() const;

    Result<std::size_t> drain(const std::function<void(std::span<const std::byte>)>& take, std::size_t most);
    Status wait(Nanos time);

    [[nodiscard]] std::vector<CallSums> sums() const;
    void forget_sums(const at_call_key& key);
    [[nodiscard]] at_native_counts counts() const;
    // The stacks of threads that are in calls now.
    [[nodiscard]] Result<std::vector<at_call_stack>> open_calls();

private:
    struct State;
    explicit KernelProbes(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace autotune::native
