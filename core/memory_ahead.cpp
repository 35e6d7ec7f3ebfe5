#include "core/memory_ahead.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <vector>

namespace autotune {

namespace {
constexpr std::uintptr_t kStep = std::uintptr_t{4} << 20;  // huge pages whole
constexpr std::size_t kMostKnown = 8;                      // vectors that grew have a new end each time

struct Stretch {
    std::uintptr_t begin, end;
};
}  // namespace

struct MemoryAhead::Impl {
    struct Known {
        std::uintptr_t end, ready;
    };
    std::vector<Known> known;  // the owner's

    std::mutex mutex;
    std::condition_variable_any came;
    std::deque<Stretch> asked;
    bool is_alone = false;  // the owner's: no thread is to be had
    std::jthread thread;    // last: it uses the others

    void ask(Stretch stretch) {
        if (is_alone) return;
        {
            const std::lock_guard lock(mutex);
            asked.push_back(stretch);
        }
        came.notify_one();
        if (thread.joinable()) return;
        try {
            thread = std::jthread([this](std::stop_token stop) { run(stop); });
        } catch (const std::system_error&) {
            is_alone = true;
        }
    }

    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex);
        while (came.wait(lock, stop, [this] { return !asked.empty(); })) {
            const Stretch next = asked.front();
            asked.pop_front();
            lock.unlock();
#if defined(MADV_POPULATE_WRITE)
            (void)madvise(reinterpret_cast<void*>(next.begin), next.end - next.begin, MADV_POPULATE_WRITE);  // a wish
#endif
            lock.lock();
            if (stop.stop_requested()) return;
        }
    }
};

MemoryAhead::MemoryAhead() : impl_(std::make_unique<Impl>()) {}
MemoryAhead::~MemoryAhead() = default;

void MemoryAhead::wrote(const void* written_to, const void* its_end) {
    const auto at = reinterpret_cast<std::uintptr_t>(written_to), end = reinterpret_cast<std::uintptr_t>(its_end) / kStep * kStep;
    if (end < at + kStep) return;
    auto& known = impl_->known;
    auto place = std::find_if(known.begin(), known.end(), [&](const Impl::Known& k) { return k.end == end; });
    if (place == known.end()) {
        if (known.size() == kMostKnown) known.erase(known.begin());
        place = known.insert(known.end(), {end, 0});
    }
    const std::uintptr_t first = at / kStep * kStep;
    place->ready = std::max(place->ready, first);
    for (; place->ready < end && place->ready < first + kAhead; place->ready += kStep) impl_->ask({place->ready, place->ready + kStep});
}

}  // namespace autotune
