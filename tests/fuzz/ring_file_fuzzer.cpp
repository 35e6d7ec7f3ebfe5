// What a traced process may write into the file that it shares with the agent: reading it ends, in memory that is bounded,
// and no event is told that cannot be.
//
// The input is a list of writes: the place, one byte, the offset in it, two bytes of words, how many words of eight follow.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "agent/runtime/allocation_journal.hpp"
#include "agent/runtime/allocation_tree.hpp"
#include "agent/runtime/ring_reader.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;
using fuzz::require;

namespace {

constexpr std::array<std::uint64_t, 8> kPlaces{
    0, AT_RING_SLOTS_AT, AT_RING_OWNERS_AT, AT_RING_CHUNKS_AT, AT_RING_NAMES_AT, AT_RING_BODIES_AT, AT_RING_BODIES_AT + AT_RING_STACK_BYTES,
    AT_RING_BODIES_AT + AT_RING_BODY_BYTES};

void put(int fd, std::uint64_t offset, const void* from, std::size_t bytes) {
    require(pwrite(fd, from, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes), "written");
}

Fd file_of(const std::uint8_t* data, std::size_t size) {
    Fd fd(memfd_create("ring", MFD_CLOEXEC));
    require(ftruncate(fd.get(), static_cast<off_t>(AT_RING_BYTES)) == 0, "there is memory");
    const at_ring_header header{
        .magic = AT_RING_MAGIC, .version = AT_RING_VERSION, .kind = AT_RING_NATIVE, .clock = AT_RING_MONOTONIC, .slots_used = 1, .names_used = 8};
    put(fd.get(), 0, &header, sizeof header);
    while (size >= 4) {
        const std::uint64_t at = kPlaces[data[0] % kPlaces.size()] + 8ull * (data[1] | data[2] << 8);
        const std::size_t bytes = std::min<std::size_t>(data[3] % 32 * 8, size - 4);
        put(fd.get(), at, data + 4, bytes);
        data += 4 + bytes, size -= 4 + bytes;
    }
    return fd;
}

std::optional<runtime::RingFile> adopted(const Fd& fd) {
    auto file = runtime::RingFile::adopt(Fd(dup(fd.get())));
    if (file) return *std::move(file);
    require(!file.error().message.empty(), "refused with a reason");
    return std::nullopt;
}

void read_calls(const Fd& fd, symbols::Symbolizer& symbolizer) {
    auto file = adopted(fd);
    if (!file) return;
    EventBatch batch;
    runtime::RingReader reader(*std::move(file), {.process = {1 << 30, 0}}, symbolizer);
    for (int i = 0; i < 3; ++i) (void)reader.drain(1000, batch);
    reader.tell_totals(batch);
    reader.cut_open_calls(from_ns(1'000'000'000), batch);
    for (const Event& event : batch.events)
        if (const auto* call = std::get_if<CallDone>(&event.body))
            require(call->duration >= Nanos(0) && call->bias >= Nanos(0), "no call of negative time");
}

void read_sums(const Fd& fd) {
    auto file = adopted(fd);
    if (!file || !file->refresh()) return;
    runtime::AllocationTree tree(runtime::AllocationView::held);
    tree.add(*file);
    (void)std::move(tree).take("fuzz");
}

void read_journal(const Fd& fd, symbols::Symbolizer& symbolizer) {
    auto file = adopted(fd);
    if (!file) return;
    EventBatch batch;
    runtime::AllocationJournal journal(file->header(), {.process = {1 << 30, 0}}, symbolizer);
    for (int i = 0; i < 3; ++i) (void)journal.read(*file, 1000, batch);
    require(batch.events.size() <= 3 * 1001, "no more than was asked for, and what was lost");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Fd fd = file_of(data, size);
    symbols::Symbolizer symbolizer({.proc = "/nonexistent"});
    read_calls(fd, symbolizer);
    read_sums(fd);
    read_journal(fd, symbolizer);
    return 0;
}
