// ptrace_tell [-p PID | COMMAND…]: what the ptrace source tells of it, one line an event, on descriptor 3 (so that
// the traced program has the others to itself); its exit status. A program of its own because it is run as another
// user.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ptrace/ptrace_source.hpp"

namespace {

using namespace autotune;

const char* name_of(IoOp op) {
    switch (op) {
        case IoOp::connect: return "connect";
        case IoOp::accept: return "accept";
        case IoOp::send: return "send";
        case IoOp::receive: return "receive";
        case IoOp::open: return "open";
        case IoOp::read: return "read";
        case IoOp::write: return "write";
        case IoOp::sync: return "sync";
        case IoOp::close_file: return "close";
        case IoOp::map_file: return "map";
        case IoOp::list: return "list";
        case IoOp::make_directory: return "mkdir";
        case IoOp::remove: return "remove";
        case IoOp::rename: return "rename";
        case IoOp::link: return "link";
        case IoOp::resize: return "resize";
    }
    return "?";
}

void tell(const Event& event, const StringTable& strings) {
    if (const auto* io = std::get_if<IoDone>(&event.body)) {
        const std::string path(strings[io->path]);
        dprintf(3, "io\t%s\t%s\t%lld\t%d\t%lld\n", name_of(io->op), path.c_str(), static_cast<long long>(io->result),
                io->peer.port, static_cast<long long>(io->latency.count()));
    } else if (const auto* http = std::get_if<HttpDone>(&event.body)) {
        dprintf(3, "http\t%s\t%s\t%s\t%d\t%llu\t%llu\t%d\n", http->side == Side::client ? "client" : "server",
                std::string(strings[http->method]).c_str(), std::string(strings[http->path]).c_str(), http->status,
                static_cast<unsigned long long>(http->request_bytes),
                static_cast<unsigned long long>(http->response_bytes), http->peer.port);
    } else if (const auto* other = std::get_if<NotDecoded>(&event.body)) {
        dprintf(3, "not_decoded\t%s\t%llu\n", std::string(strings[other->what]).c_str(),
                static_cast<unsigned long long>(other->count));
    } else if (const auto* started = std::get_if<ProcessStarted>(&event.body)) {
        dprintf(3, "start\t%d\t%s\t%s\n", event.process.pid, std::string(strings[started->command]).c_str(),
                std::string(strings[started->executable]).c_str());
    } else if (const auto* exited = std::get_if<ProcessExited>(&event.body)) {
        dprintf(3, "exit\t%d\t%d\t%d\n", event.process.pid, exited->exit_code, exited->signal);
    } else if (const auto* lost = std::get_if<Lost>(&event.body)) {
        dprintf(3, "lost\t%s\t%llu\n", std::string(to_string(lost->kind)).c_str(),
                static_cast<unsigned long long>(lost->count));
    }
}

int fail_with(const std::string& message) {
    std::fprintf(stderr, "ptrace_tell: %s\n", message.c_str());
    return 125;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    std::vector<std::string> words(argv + 1, argv + argc);
    const bool attaches = words[0] == "-p" && words.size() == 2;
    auto source = make_ptrace_source({.command = attaches ? std::vector<std::string>{} : words});
    if (!source) return fail_with(source.error().message);
    if (attaches)
        if (auto s = (*source)->focus({.processes = {std::atoi(words[1].c_str())}}); !s)
            return fail_with(s.error().message);
    if (auto s = (*source)->start(); !s) return fail_with(s.error().message);
    if (attaches) dprintf(3, "attached\n");
    EventBatch batch;
    for (;;) {
        const auto polled = (*source)->poll(std::chrono::seconds(1), batch);
        if (!polled) return fail_with(polled.error().message);
        for (const Event& event : batch.events) tell(event, batch.tables.strings);
        batch.events.clear();
        if (polled->state == PollState::ended) break;
    }
    const auto status = (*source)->exit_status();
    return !status ? 0 : status->signal != 0 ? 128 + status->signal : status->code;
}
