// KernelObject: the ring, and what is read of tasks.
#include "agent/bpf/kernel_object.hpp"

#include <bpf/bpf.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "agent/bpf/kernel_object_impl.hpp"
#include "agent/bpf/libbpf_log.hpp"

namespace autotune {
namespace {

// All that the program writes of all tasks.
Result<std::vector<std::byte>> read_iterator(bpf_program* program, const char* what) {
    const LibbpfLog log;
    const BpfLink link(bpf_program__attach_iter(program, nullptr));
    if (!link) return unexpected(log.explain(what, errno));
    const Fd reader(bpf_iter_create(bpf_link__fd(link.get())));
    if (!reader) return unexpected(log.explain(what, errno));
    std::vector<std::byte> all;
    std::array<std::byte, 16384> some{};
    for (;;) {
        const ssize_t n = read(reader.get(), some.data(), some.size());
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return unexpected(errno_error(what, errno));
        if (n == 0) return all;
        all.insert(all.end(), some.begin(), some.begin() + n);
    }
}

}  // namespace

int KernelObject::Impl::on_record(void* self, void* data, std::size_t size) {
    auto& impl = *static_cast<Impl*>(self);
    (*impl.take)({static_cast<const std::byte*>(data), size});
    return ++impl.taken < impl.most ? 0 : -EAGAIN;  // the record counts as taken either way
}

Status KernelObject::Impl::open_ring() {
    const int map = bpf_map__fd(skeleton->maps.events);
    ring.reset(ring_buffer__new(map, on_record, this, nullptr));
    if (!ring) return unexpected(errno_error("mapping the BPF ring buffer", errno));
    urgent = Fd(epoll_create1(EPOLL_CLOEXEC));
    // Edge-triggered: a record that is not urgent makes the ring readable, but wakes nobody.
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
    if (!urgent || epoll_ctl(urgent.get(), EPOLL_CTL_ADD, map, &event) != 0)
        return unexpected(errno_error("waiting for the BPF ring buffer", errno));
    return ok();
}

KernelObject::KernelObject(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KernelObject::~KernelObject() = default;
KernelObject::KernelObject(KernelObject&&) noexcept = default;
KernelObject& KernelObject::operator=(KernelObject&&) noexcept = default;

Result<std::vector<std::byte>> KernelObject::existing_processes() {
    return read_iterator(impl_->skeleton->progs.at_existing, "listing the processes");
}

Status KernelObject::take_up(std::span<const Executor> executors) {
    const auto& programs = impl_->skeleton->progs;
    bpf_map* const map = impl_->skeleton->maps.apis;
    for (const Executor& e : executors) {
        const std::uint32_t port = e.port;
        bpf_map__update_elem(map, &e.pid, sizeof e.pid, &port, sizeof port, BPF_ANY);
    }
    auto connections = read_iterator(programs.at_find_controls, "listing the connections of executors");
    auto waiting = read_iterator(programs.at_take_up, "listing the threads of executors");
    for (const Executor& e : executors) bpf_map__delete_elem(map, &e.pid, sizeof e.pid, 0);
    if (!connections) return connections.forward();
    return waiting ? ok() : Status(waiting.forward());
}

bool KernelObject::can_settle_apart() const {
    return impl_->has_socket_ends && impl_->skeleton->rodata->at_has_casts != 0;
}

Status KernelObject::settle() {
    if (!impl_->settles_apart || !impl_->attached) return ok();
    const auto settled = read_iterator(impl_->skeleton->progs.at_settle_all, "settling the CPU time of threads");
    return settled ? ok() : Status(settled.forward());
}

Result<std::vector<std::byte>> KernelObject::thread_times() {
    return read_iterator(impl_->skeleton->progs.at_times_of_all, "reading the times of threads");
}

Status KernelObject::wait(Nanos time) {
    const timespec limit{.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
    epoll_event event{};
    if (epoll_pwait2(impl_->urgent.get(), &event, 1, &limit, nullptr) < 0 && errno != EINTR)
        return unexpected(errno_error("waiting for the BPF ring buffer", errno));
    return ok();
}

Result<std::size_t> KernelObject::drain(const std::function<void(std::span<const std::byte>)>& take,
                                        std::size_t most) {
    impl_->take = &take;
    impl_->taken = 0;
    impl_->most = most;
    const int n = ring_buffer__consume(impl_->ring.get());
    impl_->take = nullptr;
    if (n < 0 && n != -EAGAIN) return unexpected(errno_error("reading the BPF ring buffer", -n));
    return impl_->taken;
}

int KernelObject::tracked_cgroups_fd() const { return bpf_map__fd(impl_->skeleton->maps.tracked_cgroups); }
int KernelObject::tracked_processes_fd() const {
    return bpf_map__fd(impl_->skeleton->maps.tracked_processes);
}

const std::vector<std::string>& KernelObject::missing() const { return impl_->missing; }

}  // namespace autotune
