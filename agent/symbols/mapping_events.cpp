#include "agent/symbols/mapping_events.hpp"

#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace autotune::symbols {

namespace {

constexpr std::size_t kRingBytes = 64u << 10;  // a power of two

Fd open_events(int cpu) {
    perf_event_attr attributes{};
    attributes.read_format = PERF_FORMAT_LOST;  // at once; a record says it only when the next one finds room
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_DUMMY;
    attributes.mmap = 1;  // of executable memory
    attributes.mmap2 = 1;
    attributes.comm = 1;
    attributes.comm_exec = 1;
    attributes.task = 1;  // forks
    attributes.sample_type = PERF_SAMPLE_TIME;
    attributes.sample_id_all = 1;
    attributes.use_clockid = 1;
    attributes.clockid = CLOCK_MONOTONIC;
    attributes.wakeup_events = 1;
    return Fd(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace

struct MappingEvents::Ring {
    Fd fd;
    std::uint64_t lost = 0;  // until now
    std::byte* base = nullptr;  // a page that says where, then the bytes
    std::size_t page = 0;

    ~Ring() {
        if (base != nullptr) ::munmap(base, page + kRingBytes);
    }

    [[nodiscard]] std::uint64_t newly_lost() {
        std::array<std::uint64_t, 2> now{};  // the event's value, and what found no room
        if (::read(fd.get(), now.data(), sizeof now) != sizeof now) return 1;  // who knows
        return now[1] - std::exchange(lost, now[1]);
    }

    // Calls use(record) for each; what wraps around is put together first. False when there was none.
    template <class Use>
    bool drain(const Use& use) {
        auto* control = reinterpret_cast<perf_event_mmap_page*>(base);
        const std::uint64_t head = std::atomic_ref(control->data_head).load(std::memory_order_acquire);
        std::uint64_t tail = control->data_tail;
        if (head == tail) return false;
        std::vector<std::byte> record;
        while (head - tail >= sizeof(perf_event_header)) {
            perf_event_header header;
            copy(&header, tail, sizeof header);
            if (header.size < sizeof header || header.size > head - tail) break;
            record.resize(header.size);
            copy(record.data(), tail, header.size);
            use(std::span<const std::byte>(record));
            tail += header.size;
        }
        std::atomic_ref(control->data_tail).store(head, std::memory_order_release);
        return true;
    }
    void copy(void* to, std::uint64_t at, std::size_t size) const {
        const std::size_t place = at % kRingBytes, first = std::min(size, kRingBytes - place);
        std::memcpy(to, base + page + place, first);
        std::memcpy(static_cast<std::byte*>(to) + first, base + page, size - first);
    }
};

MappingEvents::MappingEvents(std::vector<std::unique_ptr<Ring>> rings) : rings_(std::move(rings)) {}
MappingEvents::MappingEvents(MappingEvents&&) noexcept = default;
MappingEvents& MappingEvents::operator=(MappingEvents&&) noexcept = default;
MappingEvents::~MappingEvents() = default;

Result<MappingEvents> MappingEvents::open() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<std::unique_ptr<Ring>> rings;
    const int cpus = libbpf_num_possible_cpus();
    for (int cpu = 0; cpu < cpus; ++cpu) {
        auto ring = std::make_unique<Ring>();
        ring->page = page;
        ring->fd = open_events(cpu);
        if (!ring->fd && errno == ENODEV) continue;  // possible, but not online
        if (!ring->fd) return unexpected(errno_error("hearing of mappings on CPU " + std::to_string(cpu), errno));
        void* base = ::mmap(nullptr, page + kRingBytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd.get(), 0);
        if (base == MAP_FAILED) return unexpected(errno_error("hearing of mappings on CPU " + std::to_string(cpu), errno));
        ring->base = static_cast<std::byte*>(base);
        rings.push_back(std::move(ring));
    }
    return MappingEvents(std::move(rings));
}

void MappingEvents::drain(std::vector<NewMapping>& to) {
    const auto before = static_cast<std::ptrdiff_t>(to.size());
    for (const auto& ring : rings_) {
        const bool any = ring->drain([&](std::span<const std::byte> record) {
            if (auto heard = decode_mapping_record(record)) to.push_back(*std::move(heard));
        });
        if (any) lost_ += ring->newly_lost();
    }
    std::ranges::stable_sort(to.begin() + before, to.end(), {}, &NewMapping::at);
}

std::vector<int> MappingEvents::ready_fds() const {
    std::vector<int> all;
    for (const auto& ring : rings_) all.push_back(ring->fd.get());
    return all;
}

}  // namespace autotune::symbols
