// What is done in ways that are not looked into is counted by its name.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>

#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

std::uint64_t count_of(const Recorder& r, pid_t pid, const std::string& what) {
    std::uint64_t sum = 0;
    for (const NotDecoded& told : r.of<NotDecoded>(pid))
        if (r.text(told.what) == what) sum += told.count;
    return sum;
}

// Submits `count` requests to do nothing, in one call.
int submit_to_ring(unsigned count) {
    io_uring_params p{};
    const auto ring = static_cast<int>(syscall(SYS_io_uring_setup, 8, &p));
    if (ring < 0) return errno;
    const auto map = [&](std::size_t size, off_t what) {
        return static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, what));
    };
    char* queue = map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    auto* entries = reinterpret_cast<io_uring_sqe*>(map(p.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    auto* order = reinterpret_cast<unsigned*>(queue + p.sq_off.array);
    for (unsigned i = 0; i < count; ++i) {
        entries[i].opcode = IORING_OP_NOP;
        order[i] = i;
    }
    *reinterpret_cast<volatile unsigned*>(queue + p.sq_off.tail) = count;
    return syscall(SYS_io_uring_enter, ring, count, 0, 0, nullptr, 0) == count ? 0 : errno;
}

TEST(BpfNotDecoded, CountsWhatGoesThroughRingsAndAsynchronousCalls) {
    AUTOTUNE_NEEDS_BPF();
    const OwnCgroup cgroup("rings");
    Recorder r({cgroup.path()});
    Shared<bool> has_rings;
    WatchedChild child(cgroup, [&] {
        const int error = submit_to_ring(5);
        *has_rings = error == 0;
        if (error != 0 && error != ENOSYS && error != EPERM) return 1;
        aio_context_t context = 0;
        if (syscall(SYS_io_setup, 4, &context) != 0) return 2;
        const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        std::array<char, 16> buffer{};
        iocb request{};
        request.aio_lio_opcode = IOCB_CMD_PREAD;
        request.aio_fildes = static_cast<__u32>(file);
        request.aio_buf = reinterpret_cast<__u64>(buffer.data());
        request.aio_nbytes = buffer.size();
        std::array<iocb*, 1> list{&request};
        return syscall(SYS_io_submit, context, 1, list.data()) == 1 ? 0 : 3;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(count_of(r, child.pid(), "io_uring"), *has_rings ? 5u : 0u);
    EXPECT_EQ(count_of(r, child.pid(), "aio"), 1u);
}

#ifdef __x86_64__
TEST(BpfNotDecoded, CountsSystemCallsOf32BitPrograms) {
    AUTOTUNE_NEEDS_BPF();
    const OwnCgroup cgroup("32bit");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [] {
        for (int i = 0; i < 3; ++i) {
            int result = 20;  // getpid there, writev here
            asm volatile("int $0x80" : "+a"(result) : : "memory");
            if (result != getpid()) return 1;
        }
        return 0;
    });
    const int status = child.wait();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) GTEST_SKIP() << "optional: this kernel runs no 32-bit programs";
    EXPECT_EQ(status, 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(count_of(r, child.pid(), "32-bit system calls"), 3u);
    for (const IoDone& io : r.of<IoDone>(child.pid())) EXPECT_NE(io.op, IoOp::write);
}
#endif

}  // namespace
}  // namespace autotune::test
