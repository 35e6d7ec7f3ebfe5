// RecordDecoder, the part about descriptors and I/O.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <filesystem>

#include "agent/bpf/record_decoder.hpp"

namespace autotune {
namespace {

IoOp to_op(std::uint8_t op) {
    switch (op) {
        case AT_OP_CONNECT: return IoOp::connect;
        case AT_OP_ACCEPT: return IoOp::accept;
        case AT_OP_SEND: return IoOp::send;
        case AT_OP_RECEIVE: return IoOp::receive;
        case AT_OP_OPEN: return IoOp::open;
        case AT_OP_READ: return IoOp::read;
        case AT_OP_WRITE: return IoOp::write;
        case AT_OP_SYNC: return IoOp::sync;
        case AT_OP_LIST: return IoOp::list;
        case AT_OP_MAKE_DIRECTORY: return IoOp::make_directory;
        case AT_OP_REMOVE: return IoOp::remove;
        case AT_OP_RENAME: return IoOp::rename;
        case AT_OP_LINK: return IoOp::link;
        case AT_OP_RESIZE: return IoOp::resize;
        case AT_OP_MAP: return IoOp::map_file;
        default: return IoOp::close_file;
    }
}

// And not on a name.
bool works_on_descriptor(std::uint8_t op) {
    return op == AT_OP_READ || op == AT_OP_WRITE || op == AT_OP_SYNC || op == AT_OP_LIST || op == AT_OP_CLOSE;
}

constexpr std::string_view kCut = "…";  // ends a path that is longer than what the kernel side takes

}  // namespace

void RecordDecoder::on_io(const at_io_record& r, EventBatch& batch) {
    if (r.op == AT_OP_CONNECT) {
        const KnownProcess* process = book_.find(r.header);
        if (process && process->runtime_api.known() && to_endpoint(r.peer) == process->runtime_api) return;
    }
    if (r.file == AT_FILE_SOCKET)
        push_socket_io(r, {}, batch);
    else
        push_io(r, name_of(r, batch), batch);
    if (r.op == AT_OP_CLOSE)
        if (KnownProcess* process = book_.find(r.header)) process->files.closed(r.fd, r.fd);
}

void RecordDecoder::on_io_path(const at_io_path_record& r, EventBatch& batch) {
    KnownProcess& process = book_.open(r.io.header);
    const std::string_view text = field_text(r.path, sizeof r.path);
    StringTable& strings = batch.tables.strings;
    if (r.io.file == AT_FILE_SOCKET) return push_socket_io(r.io, strings.intern(text), batch);
    at_io_record io = r.io;
    const bool is_cut = (io.flags & AT_IO_PATH_CUT) != 0;
    const std::string name = is_cut ? std::string(text).append(kCut) : std::string(text);
    if (works_on_descriptor(io.op)) {
        const StringId known = strings.intern(name);
        if (io.op != AT_OP_CLOSE)
            process.files.opened(io.fd, known);  // by then its number may be another one's
        return push_io(io, known, batch);
    }
    const StringId path = resolve(process, io.fd, name, strings);
    io.fd = -1;
    if (io.op == AT_OP_OPEN && io.result >= 0) {
        io.fd = static_cast<int>(io.result);
        process.files.opened(io.fd, path);
    }
    push_io(io, path, batch);
}

void RecordDecoder::on_map(const at_map_record& r, EventBatch& batch) {
    KnownProcess& process = book_.open(r.header);
    if (r.is_new_code != 0) new_code_.insert(r.header.tgid);
    at_io_record io{};
    io.header = r.header;
    io.result = r.result;
    io.latency_ns = r.latency_ns;
    io.fd = r.fd;
    io.op = static_cast<std::uint8_t>(r.op);
    io.file = AT_FILE_DATA;
    if (r.op != AT_OP_MAP) return push_io(io, process.mappings.find(r.address), batch);
    const StringId path = name_of(io, batch);
    if (r.result >= 0) {
        process.mappings.mapped(r.address, r.bytes, path);
        io.result = static_cast<std::int64_t>(std::min<std::uint64_t>(r.bytes, INT64_MAX));
    }
    push_io(io, path, batch);
}

void RecordDecoder::on_fd_change(const at_fd_change_record& r, EventBatch& batch) {
    KnownProcess* process = book_.find(r.header);
    if (!process) return;
    const int last = r.to < 0 ? INT_MAX : r.to;
    end_conversations(r.header, r.is_dup ? r.to : r.from, last, batch);
    if (r.is_dup)
        process->files.duplicated(r.from, r.to);
    else
        process->files.closed(r.from, last);
}

void RecordDecoder::push_io(const at_io_record& r, StringId path, EventBatch& batch) {
    batch.events.push_back(
        make_event(r.header, IoDone{.op = to_op(r.op),
                                    .fd = r.fd,
                                    .result = as_program_sees(r.result),
                                    .latency = Nanos(static_cast<std::int64_t>(r.latency_ns)),
                                    .waited = Nanos(static_cast<std::int64_t>(r.waited_ns)),
                                    .path = path,
                                    .local = to_endpoint(r.local),
                                    .peer = to_endpoint(r.peer),
                                    .blocking_wait = (r.flags & AT_IO_COMPLETED_LATER) != 0}));
}

// With the request that it is of, as far as its connection speaks HTTP.
void RecordDecoder::push_socket_io(const at_io_record& r, StringId path, EventBatch& batch) {
    const std::size_t at = batch.events.size();
    push_io(r, path, batch);
    hear_transfer(r, batch);
    if (r.op != AT_OP_SEND && r.op != AT_OP_RECEIVE) return;
    const KnownProcess* process = book_.find(r.header);
    if (process == nullptr || process->http.empty()) return;
    const auto spoken = process->http.find(r.fd);
    if (spoken == process->http.end() || spoken->second.talk.trace_context().empty()) return;
    std::get<IoDone>(batch.events[at].body).trace_context =
        batch.tables.strings.intern(spoken->second.talk.trace_context());
}

// A Unix socket that has a name comes with it.
StringId RecordDecoder::name_of(const at_io_record& r, EventBatch& batch) {
    if (r.file == AT_FILE_SOCKET || r.fd < 0) return {};
    KnownProcess& process = book_.open(r.header);
    if (const auto known = process.files.find(r.fd)) return *known;
    if (r.op == AT_OP_CLOSE) return {};
    const auto target = proc_.descriptor(r.header.tgid, r.fd);
    const StringId name =
        batch.tables.strings.intern(target ? std::string_view(*target) : std::string_view());
    process.files.opened(r.fd, name);
    return name;
}

StringId RecordDecoder::resolve(KnownProcess& process, int directory, std::string_view path,
                                StringTable& strings) const {
    if (path.empty() || path.front() == '/') return strings.intern(path);
    std::string base;
    if (directory == AT_FDCWD) {
        if (auto cwd = proc_.working_directory(process.id.pid)) base = *std::move(cwd);
    } else if (const auto known = process.files.find(directory)) {
        base = strings[*known];
    } else if (auto target = proc_.descriptor(process.id.pid, directory)) {
        base = *std::move(target);
    }
    if (base.empty()) return strings.intern(path);
    return strings.intern((std::filesystem::path(base) / path).lexically_normal().string());
}

}  // namespace autotune
