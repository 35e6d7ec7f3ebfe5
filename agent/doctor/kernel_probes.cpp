#include "agent/doctor/kernel_probes.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>

#include "agent/doctor/probed_function.hpp"
#include "agent/doctor/spread.hpp"
#include "bpf/doctor_probes.skel.h"
#include "os/fd.hpp"

namespace autotune::doctor {

namespace {

constexpr std::uint32_t kRounds = 15;
constexpr std::uint32_t kCallsARound = 1000;

struct DestroySkeleton {
    void operator()(doctor_probes* object) const { doctor_probes__destroy(object); }
};
using Skeleton = std::unique_ptr<doctor_probes, DestroySkeleton>;
struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, DestroyLink>;

int stay_silent(libbpf_print_level, const char*, va_list) { return 0; }

class Silence {
public:
    Silence() : before_(libbpf_set_print(stay_silent)) {}
    ~Silence() { libbpf_set_print(before_); }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    libbpf_print_fn_t before_;
};

Unexpected refused(std::string_view doing, int errno_value) {
    // What libbpf says when the type of a tracepoint is not to be found.
    if (errno_value == ESRCH)
        return fail(Errc::unsupported,
                    std::string(doing) + ": the kernel's BTF does not have its tracepoint");
    Error error = errno_error(doing, errno_value);
    error.code = errno_value == EPERM || errno_value == EACCES ? Errc::permission_denied : Errc::unsupported;
    return unexpected(std::move(error));
}

// The object with only that program and its maps loaded.
Result<Skeleton> load(const std::string& name) {
    const Silence silence;
    static const std::map<std::string, std::string> kMaps{
        {"record", "ring"}, {"update", "table"}, {"storage", "per_task"}};
    Skeleton object(doctor_probes__open());
    if (!object) return refused("opening the test programs", errno);
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object->obj) {
        bpf_program__set_autoload(program, bpf_program__name(program) == name);
    }
    const auto needed = kMaps.find(name);
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object->obj) {
        const std::string_view map_name = bpf_map__name(map);
        const bool probed = map_name == "ring" || map_name == "table" || map_name == "per_task";
        if (probed) bpf_map__set_autocreate(map, needed != kMaps.end() && needed->second == map_name);
    }
    const int failed = doctor_probes__load(object.get());
    if (failed != 0) return refused("loading a program", -failed);
    return object;
}

bpf_program* program_of(const Skeleton& object, const std::string& name) {
    return bpf_object__find_program_by_name(object->obj, name.c_str());
}

Fd open_perf(perf_event_attr attributes, pid_t pid, int cpu) {
    attributes.size = sizeof attributes;
    return Fd(
        static_cast<int>(syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

// A uprobe on probed_function() of this process, by the perf kind that needs no tracefs.
Result<Fd> open_uprobe() {
    std::uint32_t type = 0;
    if (!(std::ifstream("/sys/bus/event_source/devices/uprobe/type") >> type))
        return fail(Errc::unsupported, "the kernel has no perf kind for uprobes");
    const auto place = probed_function_place();
    if (!place) return place.forward();
    perf_event_attr attributes{};
    attributes.type = type;
    attributes.config1 = reinterpret_cast<std::uint64_t>(place->file.c_str());
    attributes.config2 = place->offset;
    Fd fd = open_perf(attributes, getpid(), -1);
    if (!fd) return refused("opening a uprobe", errno);
    return fd;
}

std::uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

double time_syscalls() {
    const std::uint64_t begin = now_ns();
    for (std::uint32_t i = 0; i < kCallsARound; ++i) syscall(SYS_getppid);
    return static_cast<double>(now_ns() - begin) / kCallsARound;
}

double time_calls() {
    const std::uint64_t begin = now_ns();
    for (std::uint32_t i = 0; i < kCallsARound; ++i) probed_function();
    return static_cast<double>(now_ns() - begin) / kCallsARound;
}

template <class Time>
std::vector<double> rounds(Time time) {
    (void)time();  // warm
    std::vector<double> times;
    for (std::uint32_t i = 0; i < kRounds; ++i) times.push_back(time());
    return times;
}

void add_syscall_cost(std::vector<Cost>& costs, const std::string& what, const std::string& program,
                      double alone) {
    auto object = load(program);
    if (!object) return;
    (*object)->bss->measured_pid = static_cast<std::uint32_t>(getpid());
    const Link link(bpf_program__attach(program_of(*object, program)));
    if (!link) return;
    costs.push_back(spread_of(what, rounds(time_syscalls), alone));
}

void add_uprobe_cost(std::vector<Cost>& costs) {
    const double alone = spread_of("", rounds(time_calls), 0).median_ns;
    const auto object = load("probe");
    auto fd = open_uprobe();
    if (!object || !fd) return;
    const int program = bpf_program__fd(program_of(*object, "probe"));
    if (ioctl(fd->get(), PERF_EVENT_IOC_SET_BPF, program) != 0) return;
    if (ioctl(fd->get(), PERF_EVENT_IOC_ENABLE, 0) != 0) return;
    costs.push_back(spread_of("uprobe on a nop", rounds(time_calls), alone));
}

}  // namespace

Status try_program(const std::string& name) {
    const auto object = load(name);
    return object ? ok() : Status(object.forward());
}

Status try_perf_clock() {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_CPU_CLOCK;
    attributes.freq = 1;
    attributes.sample_freq = 99;
    attributes.disabled = 1;
    const Fd fd = open_perf(attributes, -1, 0);
    return fd ? ok() : Status(refused("opening a perf clock", errno));
}

Status try_uprobe() {
    const auto fd = open_uprobe();
    return fd ? ok() : Status(fd.forward());
}

std::vector<Cost> measure_costs() {
    std::vector<Cost> costs;
    const Cost alone = spread_of("system call alone", rounds(time_syscalls), 0);
    costs.push_back(alone);
    add_syscall_cost(costs, "raw tracepoint on it", "empty", alone.median_ns);
    add_syscall_cost(costs, "… and a ring-buffer record", "record", alone.median_ns);
    add_syscall_cost(costs, "… and a hash update", "update", alone.median_ns);
    add_uprobe_cost(costs);
    return costs;
}

}  // namespace autotune::doctor
