#include "agent/ptrace/record_queue.hpp"

#include <cstring>

namespace autotune::ptrace {

Event RecordQueue::event_of(std::span<const std::byte> record) {
    Event event;
    std::memcpy(&event, record.data() + (record.size() - sizeof event), sizeof event);
    return event;
}

void RecordQueue::append(std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    if (records_.size() + bytes.size() > kCapacity) {
        ++lost_;
        return;
    }
    records_.insert(records_.end(), bytes.begin(), bytes.end());
}

RecordQueue::Taken RecordQueue::take(std::vector<std::byte> buffer) {
    buffer.clear();
    const std::lock_guard lock(mutex_);
    records_.swap(buffer);
    is_urgent_ = false;
    return {.records = std::move(buffer), .lost = std::exchange(lost_, 0), .ended = ended_};
}

void RecordQueue::wait(Nanos at_most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [this] { return ended_ || is_urgent_; });
}

}  // namespace autotune::ptrace
