// A stream of records of the kernel side, some of them damaged, goes through one decoder.
//
// The input is a list of (kind, length of two bytes, bytes): the bytes begin a record of that kind whose
// rest is zeros, and size and kind are set in its header, or left as they are when the kind's top bit is.
#include <algorithm>
#include <array>
#include <cstring>

#include "agent/bpf/record_decoder.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

namespace {

constexpr std::array<std::size_t, AT_KINDS> kSizes = {
    sizeof(at_header),           sizeof(at_fork_record),         sizeof(at_exec_record),
    sizeof(at_exit_record),      sizeof(at_oom_record),          sizeof(at_io_record),
    sizeof(at_io_path_record),   sizeof(at_request_head_record), sizeof(at_answer_part_record),
    sizeof(at_fd_change_record), sizeof(at_existing_record),     sizeof(at_map_record),
    sizeof(at_thread_times_record), sizeof(at_off_cpu_record),
    sizeof(at_trouble_record),   sizeof(at_names_record),        sizeof(at_not_decoded_record),
    sizeof(at_syscall_record),   sizeof(at_http_record),         sizeof(at_tls_record)};

using Bytes = std::span<const unsigned char>;

std::vector<std::byte> take_record(Bytes& input) {
    const unsigned kind = input[0] & 0x7fu;
    const bool as_is = (input[0] & 0x80u) != 0;
    const std::size_t said = input[1] + 256u * input[2];
    input = input.subspan(3);
    const Bytes bytes = input.first(std::min(said, input.size()));
    input = input.subspan(bytes.size());

    std::vector<std::byte> record(as_is || kind >= kSizes.size() ? bytes.size() : kSizes[kind]);
    if (!bytes.empty()) std::memcpy(record.data(), bytes.data(), std::min(bytes.size(), record.size()));
    if (!as_is && record.size() >= sizeof(at_header)) {
        at_header header;
        std::memcpy(&header, record.data(), sizeof header);
        header.kind = kind;
        header.size = static_cast<__u32>(record.size());
        std::memcpy(record.data(), &header, sizeof header);
    }
    return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    RecordDecoder decoder{Procfs("/dev/null")};  // whatever pid the input names: it has gone
    decoder.set_wall_offset(std::chrono::hours(24 * 365 * 50));
    EventBatch batch;
    Bytes input(data, size);
    while (input.size() >= 3) {
        const std::vector<std::byte> record = take_record(input);
        const std::size_t before = batch.events.size();
        const bool decoded = decoder.decode(record, batch);
        fuzz::require(decoded || batch.events.size() == before, "what is refused tells nothing");
    }
    for (const Event& event : batch.events) (void)is_urgent(event);
    (void)decoder.take_discovered();
    return 0;
}
