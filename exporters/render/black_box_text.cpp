#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "exporters/render/black_box.hpp"
#include "exporters/render/syscall_names.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {
namespace {

constexpr std::size_t kMostMappings = 16;  // in the text; all are in the JSON
constexpr std::size_t kMostFrames = 64;    // of a thread
constexpr std::string_view kMachine =
#if defined(__x86_64__)
    "x86_64";
#else
    "aarch64";
#endif

template <class... Values>
std::string format(const char* pattern, Values... values) {
    char text[512];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

std::string megabytes(std::uint64_t bytes) { return format("%.1f MB", static_cast<double>(bytes) / (1024 * 1024)); }

std::string milliseconds(Nanos time) { return format("%.3f ms", to_ms(time)); }

// A number as programs mean it: small ones and descriptors in decimals, the rest as addresses and flags are written.
std::string argument(std::uint64_t value) {
    const auto number = static_cast<std::int64_t>(static_cast<std::int32_t>(value));
    if (value <= 0xffff || (number < 0 && number > -4096))
        return std::to_string(value <= 0xffff ? static_cast<std::int64_t>(value) : number);
    return format("%#llx", static_cast<unsigned long long>(value));
}

// How many arguments a call takes, of those that are met often; else all six are shown that are not 0.
std::size_t takes(std::string_view name) {
    static constexpr std::pair<std::size_t, std::string_view> kTakes[] = {
        {0, " getpid gettid getuid geteuid getgid getegid pause sched_yield fork vfork munlockall "},
        {1, " close exit exit_group brk dup epoll_create1 chdir rmdir unlink fsync fdatasync umask pipe alarm "
            "set_tid_address uname "},
        {2, " stat fstat lstat munmap access nanosleep dup2 clock_gettime rename mkdir chmod kill listen shutdown pipe2 "
            "eventfd2 ftruncate gettimeofday rt_sigsuspend sigaltstack getrlimit setrlimit statfs setpgid "},
        {3, " read write open lseek poll mprotect ioctl writev readv readlink connect bind accept socket sendmsg recvmsg "
            "fcntl execve getdents64 madvise dup3 mkdirat unlinkat getrandom tgkill set_robust_list close_range "},
        {4, " openat openat2 newfstatat wait4 rt_sigaction rt_sigprocmask epoll_wait epoll_ctl pread64 pwrite64 accept4 "
            "clock_nanosleep prlimit64 faccessat faccessat2 sendfile readlinkat timer_settime rseq renameat "},
        {5, " select statx clone setsockopt getsockopt ppoll renameat2 mremap "},
        {6, " mmap futex sendto recvfrom epoll_pwait pselect6 splice "},
    };
    for (const auto& [count, names] : kTakes)
        if (names.find(" " + std::string(name) + " ") != std::string_view::npos) return count;
    return 7;
}

std::string call_text(std::uint32_t number, const std::array<std::uint64_t, 6>& arguments, const std::string& text) {
    const std::string name = syscall_name(number, kMachine);
    std::string line = name + "(";
    std::size_t last = takes(name);
    if (last > arguments.size()) {
        last = arguments.size();
        while (last > 0 && arguments[last - 1] == 0) --last;
    }
    for (std::size_t i = 0; i < last; ++i) line += (i > 0 ? ", " : "") + argument(arguments[i]);
    return line + ")" + (text.empty() ? "" : " \"" + clean_text(text) + "\"");
}

std::string result_text(const BoxCall& call) {
    if (call.interrupted) return "interrupted by the kill";
    if (call.result < 0 && call.result > -4096) return std::string("-1 ") + strerrorname_np(static_cast<int>(-call.result));
    return argument(static_cast<std::uint64_t>(call.result));
}

std::string frame_text(const ProfileFrame& f) {
    std::string where;
    if (!f.file.empty())
        where = f.line != 0 ? f.file + ":" + std::to_string(f.line) : f.file;
    else
        where = f.module;
    return format("    %-44s ", f.name.empty() ? "?" : clean_text(f.name.substr(0, 200)).c_str()) + clean_text(where) + "\n";
}

std::string how(const BlackBox& box) {
    if (box.out_of_memory) return "killed by the kernel for want of memory";
    if (box.status == "timeout") return "killed at its deadline";
    const char* name = sigabbrev_np(box.signal);
    return "killed by SIG" + std::string(name != nullptr ? name : std::to_string(box.signal));
}

void add_threads(const BlackBox& box, std::string& out) {
    const ProfileFrame* culprit = culprit_of(box);
    for (const BoxThread& t : box.threads) {
        out += format("\nthread %d %s", t.id, clean_text(t.name).c_str());
        if (t.in_call >= 0) out += ", in " + call_text(static_cast<std::uint32_t>(t.in_call), t.arguments, "");
        out += t.truncated ? " (its stack is not whole)\n" : "\n";
        for (std::size_t i = 0; i < t.frames.size(); ++i) {
            if (i == kMostFrames) {
                out += format("    … %zu more\n", t.frames.size() - i);
                break;
            }
            std::string line = frame_text(t.frames[i]);
            if (&t.frames[i] == culprit) line.insert(line.size() - 1, "   <-- the culprit");
            out += line;
        }
    }
    if (box.threads_alive > box.threads.size())
        out += format("\n%zu more threads could not be told\n", box.threads_alive - box.threads.size());
}

void add_calls(const BlackBox& box, std::string& out) {
    out += format("\nlast system calls (%zu)\n", box.calls.size());
    if (box.calls_given_up) out += "  the very last were given up, to keep the budget (--budget)\n";
    for (const BoxCall& c : box.calls)
        out += format("  %12s before  %7d  ", milliseconds(c.before).c_str(), c.thread) +
               call_text(c.number, c.arguments, c.text) + " = " + result_text(c) + "\n";
}

void add_files(const BlackBox& box, std::string& out) {
    out += format("\nopen files (%zu)\n", box.files.size() + box.more_files);
    for (const BoxFile& f : box.files) {
        const char* mode = (f.flags & O_ACCMODE) == O_RDONLY ? "r" : (f.flags & O_ACCMODE) == O_WRONLY ? "w" : "rw";
        out += format("  %5d %-3s ", f.fd, mode) + clean_text(f.what) +
               (f.position != 0 ? format(" at %llu", static_cast<unsigned long long>(f.position)) : "") + "\n";
    }
    if (box.more_files != 0) out += format("  … %u more\n", box.more_files);
}

void add_memory(const BoxMemory& m, std::string& out) {
    out += "\nmemory\n";
    if (m.group_limit != 0) out += "  of the sandbox: " + megabytes(m.group_now) + " of " + megabytes(m.group_limit) + "\n";
    out += "  of the process: anonymous " + megabytes(m.anonymous) + ", files " + megabytes(m.files) + ", shared " +
           megabytes(m.shared) + (m.swapped != 0 ? ", swapped " + megabytes(m.swapped) : "") + "\n";
    if (m.mappings.empty()) {
        out += "  by mapping: nobody came to look at it before the kill\n";
        return;
    }
    out += "  by mapping, " + milliseconds(m.mappings_before) + " before the kill (" + megabytes(m.mappings_at) + " then)\n";
    for (std::size_t i = 0; i < std::min(m.mappings.size(), kMostMappings); ++i) {
        const BoxMapping& one = m.mappings[i];
        out += format("  %12s of %12s  %4u  ", megabytes(one.resident).c_str(), megabytes(one.size).c_str(), one.count) +
               clean_text(one.what) + "\n";
    }
    if (m.mappings.size() > kMostMappings) out += format("  … %zu more\n", m.mappings.size() - kMostMappings);
}

}  // namespace

std::string black_box_text(const BlackBox& box) {
    std::string out = clean_text(box.function.empty() ? box.command : box.function);
    if (!box.version.empty()) out += " version " + box.version;
    out += ": " + how(box) + " at " + to_rfc3339(box.wall) + "\n";
    if (!box.invocation.empty()) out += "  invocation " + box.invocation + "\n";
    out += format("  process    %d %s\n", box.process.pid, clean_text(box.command).c_str());
    if (const std::string place = describe_place(culprit_of(box)); !place.empty()) out += "  culprit    " + clean_text(place) + "\n";
    if (box.records_lost != 0) out += format("  %llu records of it were lost\n", static_cast<unsigned long long>(box.records_lost));
    add_threads(box, out);
    add_calls(box, out);
    add_files(box, out);
    add_memory(box.memory, out);
    return out;
}

}  // namespace autotune::render
