// What the ptrace backend makes of a program that does nothing but input and output, beside strace --seccomp-bpf that
// stops at the same calls and writes to /dev/null: wall clock of the whole run, in turns, medians of seven.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "agent/ptrace/ptrace_source.hpp"
#include "bench/tracing/rows.hpp"

namespace autotune::bench {
namespace {

// All that the source stops at (agent/ptrace/wanted_calls.cpp); strace cannot ask for arguments.
constexpr const char* kCalls =
    "trace=execve,execveat,clone,clone3,getsockopt,read,pread64,readv,preadv,preadv2,write,pwrite64,writev,pwritev,"
    "pwritev2,sendto,sendmsg,sendmmsg,sendfile,recvfrom,recvmsg,recvmmsg,connect,accept,accept4,open,creat,openat,"
    "openat2,splice,tee,copy_file_range,vmsplice,fsync,fdatasync,sync_file_range,syncfs,sync,mmap,msync,getdents,"
    "getdents64,ftruncate,fallocate,truncate,mkdir,mkdirat,unlink,rmdir,unlinkat,rename,renameat,renameat2,link,"
    "symlink,linkat,symlinkat,close,close_range,dup,dup2,dup3,fcntl,poll,ppoll,io_uring_enter,io_submit";

constexpr int kRoundsOfWork = 1500;  // 9 calls each

int work() {
    std::array<char, 4096> page{};
    const int null = open("/dev/null", O_WRONLY);
    for (int i = 0; i < kRoundsOfWork; ++i) {
        const int zero = open("/dev/zero", O_RDONLY);
        for (int k = 0; k < 3; ++k)
            if (read(zero, page.data(), page.size()) != static_cast<ssize_t>(page.size()) ||
                write(null, page.data(), page.size()) != static_cast<ssize_t>(page.size()))
                return 1;
        if (getppid() == 0 || close(zero) != 0) return 1;
    }
    return 0;
}

const std::vector<std::string> kWork{"/proc/self/exe", "--work"};

double now_ms() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double by_command(std::vector<std::string> command) {
    command.insert(command.end(), kWork.begin(), kWork.end());
    char self[4096]{};
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) std::exit(2);
    command[command.size() - 2] = self;
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const double start = now_ms();
    const pid_t child = fork();
    if (child == 0) {
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) {
        std::fprintf(stderr, "%s did not work\n", command[0].c_str());
        std::exit(2);
    }
    return now_ms() - start;
}

// Every event is decoded and counted, then thrown away.
double by_us(std::uint64_t& transfers) {
    const double start = now_ms();
    auto source = make_ptrace_source({.command = kWork});
    if (const Status s = source ? (*source)->start() : source.forward(); !s) {
        std::fprintf(stderr, "%s\n", s.error().message.c_str());
        std::exit(2);
    }
    EventBatch batch;
    transfers = 0;
    for (;;) {
        const auto polled = (*source)->poll(std::chrono::seconds(1), batch);
        for (const Event& event : batch.events) transfers += std::holds_alternative<IoDone>(event.body) ? 1 : 0;
        batch.events.clear();
        if (!polled || polled->state == PollState::ended) break;
    }
    const double taken = now_ms() - start;
    if ((*source)->exit_status() != ExitStatus{} || (*source)->health().lost != 0) std::exit(2);
    return taken;
}

int measure() {
    std::vector<double> ours, peer, bare;
    std::uint64_t transfers = 0;
    for (int round = 0; round < kRounds; ++round) {
        ours.push_back(by_us(transfers));
        peer.push_back(by_command({"strace", "--seccomp-bpf", "-f", "-o", "/dev/null", "-e", kCalls}));
        bare.push_back(by_command({}));
    }
    if (transfers < kRoundsOfWork * 8) return 2;
    char says[160];
    std::snprintf(says, sizeof says, "ms for %llu calls told, peer: strace --seccomp-bpf -f; untraced: %.1f ms",
                  static_cast<unsigned long long>(transfers), median(bare));
    return print({"ptrace_io_program", median(peer), median(ours), median(peer), says}) ? 0 : 3;
}

}  // namespace
}  // namespace autotune::bench

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--work") return autotune::bench::work();
    return autotune::bench::measure();
}
