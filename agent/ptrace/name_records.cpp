// Reporter, the part about calls that name a file, and mappings of files: what bpf/parts/names.bpf.h does.
#include <fcntl.h>

#include <filesystem>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/reporter.hpp"

namespace autotune::ptrace {
namespace {

constexpr std::size_t kLongestPath = 4096;

// Now, before the process is somewhere else.
std::string made_absolute(const std::string& path, pid_t pid, int directory) {
    namespace fs = std::filesystem;
    if (path.empty() || path.front() == '/') return path;
    const std::string base = link_of(pid, directory == AT_FDCWD ? "cwd" : "fd/" + std::to_string(directory));
    return base.starts_with('/') ? (fs::path(base) / path).lexically_normal().string() : path;
}

}  // namespace

void Reporter::tell_name(Thread& thread, std::int64_t result, Timestamp now) {
    const PendingCall& call = thread.call;
    const int directory_argument = at_directory_argument(call.call);
    const int directory = directory_argument < 0 ? AT_FDCWD : static_cast<int>(call.arguments[directory_argument]);
    auto path = read_text(thread.process->pid, call.arguments[at_path_argument(call.call)], kLongestPath);
    if (!path) {
        ++read_failures_;
        path.emplace();
    }
    at_io_record record = io_record(thread, result, now);
    record.fd = directory;
    record.file = AT_FILE_DATA;
    const std::string absolute = made_absolute(*path, thread.process->pid, directory);
    if (record.op == AT_OP_OPEN && result >= 0) thread.process->descriptors->opened(static_cast<int>(result), absolute);
    tell_io(record, absolute);
}

void Reporter::tell_mapping(Thread& thread, std::int64_t result, Timestamp now) {
    const PendingCall& call = thread.call;
    const bool is_map = call.call == AT_CALL_MMAP;
    const bool has_failed = result < 0 && result >= -4095;
    at_map_record record{};
    record.header = header_of(*thread.process, thread.tid, AT_MAP, sizeof record, now);
    record.result = has_failed ? result : 0;
    record.latency_ns = static_cast<std::uint64_t>(latency_of(call, now).count());
    record.address = is_map && !has_failed ? static_cast<std::uint64_t>(result) : call.arguments[0];
    record.bytes = call.arguments[1];
    record.fd = is_map ? call.fd : -1;
    record.op = static_cast<std::uint32_t>(at_op_of(call.call, AT_FILE_DATA));
    queue_.push(record);
}

}  // namespace autotune::ptrace
