// BoxProgram: bpf/black_box.bpf.c, loaded and attached. libbpf stays in the .cpp. One thread, but for watch() and
// add_python(), which are one system call each, and remember_calls() and expect_first_work(), which wait for each other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "agent/tracked_maps.hpp"
#include "bpf/black_box_wire.h"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::black_box {

class BoxProgram {
public:
    // `tracked`: of the BPF source; without them (-1) it has a scope of its own, see trace(). Errors: unsupported,
    // permission_denied, with what is missing.
    static Result<BoxProgram> load(const TrackedMaps& tracked);
    ~BoxProgram();
    BoxProgram(BoxProgram&&) noexcept;
    BoxProgram& operator=(BoxProgram&&) noexcept;

    // Of an own scope: these processes and all that they start, and the cgroups' with all below them.
    Status trace(std::span<const CgroupId> roots, std::span<const std::int32_t> processes);
    // A process that runs already: what it does is remembered from here on.
    void watch(const ProcessId& process, CgroupId cgroup);
    // False: their system calls are not remembered for now, and a death says so; nor is (from Linux 6.3 on) code known
    // that was mapped after the last look at its process. Errors: those of attaching; then it stays as it was.
    Status remember_calls(bool wanted);
    // While no calls are remembered: whether some process may be about to receive for the first time, which is when its
    // code is looked at. True to begin with; false saves a look at each receive of the machine.
    Status expect_first_work(bool wanted);
    // Of code that processes map, that is.
    [[nodiscard]] bool hears_of_mappings() const;
    void add_python(std::int32_t pid, const at_box_python& python);

    using OnRecord = std::function<void(std::span<const std::byte>)>;
    // What is there now.
    Status drain(const OnRecord& on_record);
    // Readable when there may be something.
    [[nodiscard]] int ready_fd() const;
    [[nodiscard]] std::array<std::uint64_t, AT_BOX_COUNTS> counts() const;
    [[nodiscard]] double run_seconds() const;  // of its programs, where the kernel measures it

private:
    struct State;
    explicit BoxProgram(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace autotune::black_box
