// Programs that are started by the source.
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "agent/ptrace/ptrace_source.hpp"
#include "tests/agent/ptrace/kernel/told.hpp"

namespace autotune::test {
namespace {

using namespace std::chrono_literals;

// All that there was, until the end.
std::vector<Event> trace(PtraceSource& source, EventBatch& batch) {
    for (;;) {
        const auto polled = source.poll(1s, batch);
        if (!polled || polled->state == PollState::ended) return batch.events;
    }
}

struct Traced {
    EventBatch batch;
    std::optional<ExitStatus> status;
    PtraceHealth health;
    std::string error;

    template <class Body>
    [[nodiscard]] std::vector<Body> of() const {
        std::vector<Body> all;
        for (const Event& event : batch.events)
            if (const auto* body = std::get_if<Body>(&event.body)) all.push_back(*body);
        return all;
    }
    [[nodiscard]] std::vector<IoDone> on(IoOp op, std::string_view path) const {
        std::vector<IoDone> all;
        for (const IoDone& io : of<IoDone>())
            if (io.op == op && batch.tables.strings[io.path] == path) all.push_back(io);
        return all;
    }
};

Traced trace(std::vector<std::string> command, const Detail& detail = {}) {
    Traced traced;
    auto source = make_ptrace_source({.command = std::move(command)});
    if (auto s = (*source)->focus(detail); !s) traced.error = s.error().message;
    if (auto s = (*source)->start(); !s) {
        traced.error = s.error().message;
        return traced;
    }
    trace(**source, traced.batch);
    traced.status = (*source)->exit_status();
    traced.health = (*source)->health();
    return traced;
}

std::vector<std::string> shell(std::string script) { return {"sh", "-c", std::move(script)}; }

TEST(PtraceLaunch, TellsTheProgramItsFilesAndItsEnd) {
    const SharedFolder folder;
    const std::string file = folder.path() + "/f";
    const Traced t = trace(shell("echo hello >" + file + "; read x <" + file + "; exit 7"));
    EXPECT_EQ(t.status, ExitStatus{.code = 7});
    const auto written = t.on(IoOp::write, file);
    ASSERT_EQ(written.size(), 1U);
    EXPECT_EQ(written[0].result, 6);
    std::int64_t read = 0;
    for (const IoDone& io : t.on(IoOp::read, file)) read += io.result;
    EXPECT_EQ(read, 6);
    EXPECT_EQ(t.on(IoOp::open, file).size(), 2U);
    const auto exits = t.of<ProcessExited>();
    ASSERT_EQ(exits.size(), 1U);
    EXPECT_EQ(exits[0].exit_code, 7);
    EXPECT_EQ(t.health.lost, 0U);
}

TEST(PtraceLaunch, EveryEventIsItsOwnBackendsAndOfOneScope) {
    const Traced t = trace(shell("true | cat"));
    ASSERT_FALSE(t.batch.events.empty());
    std::set<CgroupId> scopes;
    for (const Event& event : t.batch.events) {
        EXPECT_EQ(event.by, Backend::ptrace);
        scopes.insert(event.cgroup);
    }
    EXPECT_EQ(scopes.size(), 1U);
}

TEST(PtraceLaunch, TellsDescendantsToo) {
    const Traced t = trace(shell("(exit 1); (exit 2); (sh -c 'exit 3'); true"));
    std::multiset<int> codes;
    for (const ProcessExited& exited : t.of<ProcessExited>()) codes.insert(exited.exit_code);
    EXPECT_EQ(codes, (std::multiset<int>{0, 1, 2, 3}));
}

TEST(PtraceLaunch, ReturnsTheSignalThatKilledIt) {
    const Traced t = trace(shell("kill -TERM $$"));
    EXPECT_EQ(t.status, ExitStatus{.signal = SIGTERM});
    const auto exits = t.of<ProcessExited>();
    ASSERT_EQ(exits.size(), 1U);
    EXPECT_EQ(exits[0].signal, SIGTERM);
}

TEST(PtraceLaunch, OfNoSuchProgramIsOneClearLine) {
    EXPECT_EQ(trace({"/nowhere/program"}).error, "/nowhere/program: No such file or directory");
    EXPECT_EQ(trace({"/etc/passwd"}).error, "/etc/passwd: Permission denied");
    EXPECT_EQ(trace({}).error, "ptrace needs a program to start or a process to attach to");
}

TEST(PtraceLaunch, OnCpuAndOffCpuMakeUpTheWallClockOfEachThread) {
    const Traced t =
        trace({"/usr/bin/python3", "-c", "import time; time.sleep(0.4); sum(range(10**6))"}, {.waits = true});
    const auto all = t.of<ThreadTimes>();
    ASSERT_EQ(all.size(), 1U);
    Nanos off{0};
    for (const Nanos one : all[0].off_cpu) off += one;
    EXPECT_EQ(all[0].on_cpu + off, all[0].wall);
    EXPECT_GE(all[0].off_cpu[static_cast<std::size_t>(WaitCause::sleep)], 200ms);  // it begins late where the machine is busy
    EXPECT_GT(all[0].on_cpu, 1ms);
    EXPECT_GT(all[0].minor_faults, 100U);
}

TEST(PtraceLaunch, CountsCallsWhereTheyAreAskedFor) {
    const Traced t = trace(shell("read x </dev/null; exit 0"), {.syscalls = SyscallDetail::counted});
    std::uint64_t reads = 0;
    std::uint64_t getpids = 0;
    for (const SyscallTotals& totals : t.of<SyscallTotals>()) {
        if (totals.number == SYS_read) reads += totals.calls;
        if (totals.number == SYS_getpid) getpids += totals.calls;
        EXPECT_LE(totals.failures, totals.calls);
    }
    EXPECT_GE(reads, 1U);
    EXPECT_GE(getpids, 1U);
    EXPECT_TRUE(t.of<SyscallDone>().empty());
}

TEST(PtraceLaunch, TellsEachCallWhereItIsAskedFor) {
    const Traced t = trace(shell("exit 0"), {.syscalls = SyscallDetail::each});
    bool has_getpid = false;
    for (const SyscallDone& call : t.of<SyscallDone>()) has_getpid |= call.number == SYS_getpid && call.result > 0;
    EXPECT_TRUE(has_getpid);
}

TEST(PtraceLaunch, ResolvesPathsWhereTheProgramIs) {
    const SharedFolder folder;
    const Traced t = trace(shell("cd " + folder.path() + "; mkdir d; cd d; echo x >y; mv y z; rm z; cd ..; rmdir d"));
    const std::string d = folder.path() + "/d";
    EXPECT_EQ(t.on(IoOp::make_directory, d).size(), 1U);
    EXPECT_EQ(t.on(IoOp::write, d + "/y").size(), 1U);
    EXPECT_GE(t.on(IoOp::rename, d + "/y").size(), 1U);
    EXPECT_EQ(t.on(IoOp::remove, d + "/z").size(), 1U);
    EXPECT_EQ(t.on(IoOp::remove, d).size(), 1U);
}

TEST(PtraceLaunch, TellsConnectionsAndTheirEnds) {
    const SharedFolder folder;
    const Traced t = trace({"/usr/bin/python3", "-c",
                            "import socket\n"
                            "s=socket.create_server(('127.0.0.1',0))\n"
                            "c=socket.create_connection(s.getsockname())\n"
                            "a,_=s.accept()\n"
                            "c.sendall(b'x'*1000)\n"
                            "n=0\n"
                            "while n<1000: n+=len(a.recv(4096))\n"
                            "u=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); u.bind('" + folder.path() + "/u')\n"
                            "socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM).sendto(b'abc','" + folder.path() + "/u')\n"
                            "u.recv(9)\n"});
    EXPECT_EQ(t.status, ExitStatus{});
    std::map<IoOp, std::int64_t> sums;
    Endpoint connected, accepted;
    for (const IoDone& io : t.of<IoDone>()) {
        if (io.op == IoOp::connect) connected = io.peer;
        if (io.op == IoOp::accept) accepted = io.local;
        if (t.batch.tables.strings[io.path].empty() && io.result > 0) sums[io.op] += io.result;
    }
    EXPECT_EQ(sums[IoOp::send], 1000);
    EXPECT_EQ(sums[IoOp::receive], 1000);
    EXPECT_TRUE(connected.known());
    EXPECT_EQ(connected, accepted);
    const auto sent = t.on(IoOp::send, folder.path() + "/u");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].result, 3);
    EXPECT_EQ(t.on(IoOp::receive, folder.path() + "/u").size(), 1U);
}

TEST(PtraceLaunch, AWaitForADescriptorIsTheReceivesThatItWasFor) {
    for (const char* wait : {"select.select([a],[],[])", "p=select.poll(); p.register(a,1); p.register(s,1); p.poll()",
                             "e=select.epoll(); e.register(a,1); e.poll()", "a.settimeout(9)"}) {
        SCOPED_TRACE(wait);
        const Traced t = trace({"/usr/bin/python3", "-c",
                                std::string("import select,socket,threading,time\n"
                                            "s=socket.create_server(('127.0.0.1',0))\n"
                                            "c=socket.create_connection(s.getsockname())\n"
                                            "a,_=s.accept()\n"
                                            "threading.Timer(1.0,lambda: c.sendall(b'x')).start()\n") +
                                    wait + "\na.recv(9)\n"},
                               {.waits = true});
        EXPECT_EQ(t.status, ExitStatus{});
        std::vector<IoDone> received;
        for (const IoDone& io : t.of<IoDone>())
            if (io.op == IoOp::receive) received.push_back(io);
        ASSERT_EQ(received.size(), 1U);
        EXPECT_GE(received[0].waited, 50ms);
        EXPECT_GE(received[0].latency, received[0].waited);
        EXPECT_LT(received[0].latency, 10s);
    }
}

TEST(PtraceLaunch, AReceiveThatWaitedInVainTimedOut) {
    const Traced t = trace({"/usr/bin/python3", "-c",
                            "import socket\n"
                            "s=socket.create_server(('127.0.0.1',0))\n"
                            "c=socket.create_connection(s.getsockname()); c.settimeout(0.05)\n"
                            "try: c.recv(9)\n"
                            "except TimeoutError: pass\n"});
    EXPECT_EQ(t.status, ExitStatus{});
    std::vector<IoDone> received;
    for (const IoDone& io : t.of<IoDone>())
        if (io.op == IoOp::receive) received.push_back(io);
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0].result, -ETIMEDOUT);
    EXPECT_GE(received[0].latency, 40ms);
}

TEST(PtraceLaunch, AsAnUnprivilegedUserTellsTheSame) {
    const SharedFolder folder;
    EXPECT_EQ(run(folder, tell("sh -c \"echo hello >f; exit 4\"")), 4) << text_of(folder.path() + "/err");
    bool has_write = false;
    for (const Line& line : told_in(folder))
        has_write |= line.words[0] == "io" && line.words[1] == "write" && line.words[2] == folder.path() + "/f" &&
                     line.words[3] == "6";
    EXPECT_TRUE(has_write);
}

}  // namespace
}  // namespace autotune::test
