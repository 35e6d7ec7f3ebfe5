// RecordQueue: from the tracing thread to poll(). Records of the wire format (bpf/wire.h), and events that need no
// decoding, in one order. Bounded: the traced program is never made to wait for a reader; what finds no room is
// counted. Any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "bpf/wire.h"
#include "core/event.hpp"

namespace autotune::ptrace {

// An event among records: the kind is none of enum at_kind.
inline constexpr std::uint32_t kEventRecord = 0xffff;

class RecordQueue {
public:
    template <class Record>
    void push(const Record& record) {
        append(std::as_bytes(std::span(&record, 1)));
    }
    void push(const Event& event) {
        struct {
            at_header header;
            Event event;
        } wrapped{};
        wrapped.header.kind = kEventRecord;
        wrapped.header.size = sizeof wrapped;
        wrapped.event = event;
        append(std::as_bytes(std::span(&wrapped, 1)));
    }
    static Event event_of(std::span<const std::byte> record);

    // There will be no more.
    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }
    // There is something among the records that is worth looking at now.
    void wake() {
        const std::lock_guard lock(mutex_);
        is_urgent_ = true;
        changed_.notify_all();
    }

    struct Taken {
        std::vector<std::byte> records;  // one after the other, each as long as its header says
        std::uint64_t lost = 0;          // since the last time
        bool ended = false;
    };
    // All there is. Gives `buffer` back to be filled again.
    [[nodiscard]] Taken take(std::vector<std::byte> buffer);
    // Until the end, a wake(), or the time is over. Records do not wake: they are looked for now and then.
    void wait(Nanos at_most);

private:
    static constexpr std::size_t kCapacity = std::size_t{64} << 20;
    void append(std::span<const std::byte> bytes);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::byte> records_;
    std::uint64_t lost_ = 0;
    bool is_urgent_ = false;
    bool ended_ = false;
};

}  // namespace autotune::ptrace
