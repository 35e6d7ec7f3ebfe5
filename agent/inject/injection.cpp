#include "agent/inject/injection.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/inject/stopped_thread.hpp"
#include "agent/inject/target.hpp"
#include "os/fd.hpp"
#include "runtimes/libraries.hpp"

namespace autotune::inject {
namespace {

// Of runtimes/python/attach.h.
enum : std::uint32_t { kNone = 0, kWaiting = 1, kTracing = 2, kRefused = 3, kOff = 4 };
struct LibraryState {
    std::uint32_t state = 0;
    std::int32_t ring_file = -1;
    std::array<char, 248> why{};
};
constexpr int kPatience = 5000;  // milliseconds until the GIL is had: a C function may hold it for long

std::string called(pid_t pid) { return "process " + std::to_string(pid); }

Result<LibraryState> state_of(const Target& target) {
    const auto address = target.in_library("autotune_python_state");
    if (!address) return LibraryState{};
    LibraryState state;
    if (auto read = target.read(*address, &state, sizeof state); !read) return read.forward();
    return state;
}

Status write_library(pid_t pid, std::uint64_t descriptor) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(descriptor);
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    std::string_view rest = runtimes::python_library();
    while (file && !rest.empty()) {
        const ssize_t written = ::write(file.get(), rest.data(), rest.size());
        if (written <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (file && rest.empty()) return ok();
    return unexpected(errno_error("writing the library for " + called(pid), errno));
}

// The library is in the process, once.
Status load(const Target& target, StoppedThread& thread) {
    if (target.in_library("autotune_python_attach")) return ok();
    const auto name = thread.put("autotune_python");
    if (!name) return name.forward();
    const auto memfd = [&](std::uint64_t flags) {
        return thread.call(target.system_call, {static_cast<std::uint64_t>(SYS_memfd_create), *name, flags});
    };
    constexpr std::uint64_t kCloseOnExec = 1, kExecutable = 0x10;  // the latter: Linux 6.3 on
    auto file = memfd(kCloseOnExec | kExecutable);
    if (file && *file == ~0ull) file = memfd(kCloseOnExec);
    if (!file) return file.forward();
    if (*file == ~0ull) return fail(Errc::resource_exhausted, called(target.pid()) + " can open no more files");
    const Status written = write_library(target.pid(), *file);
    const auto path = thread.put("/proc/self/fd/" + std::to_string(*file));
    Result<std::uint64_t> library = 0ull;
    if (written && path) library = thread.call(target.open_library, {*path, static_cast<std::uint64_t>(RTLD_NOW)});
    (void)thread.call(target.system_call, {static_cast<std::uint64_t>(SYS_close), *file});
    if (!written) return written;
    if (!path) return path.forward();
    if (!library) return library.forward();
    if (*library == 0 || !target.in_library("autotune_python_attach"))
        return fail(Errc::unsupported, called(target.pid()) + " cannot load the library: its glibc is too old, /proc "
                                           "is not there, or it may not execute memory");
    return ok();
}

// The library's last word, when it is no longer waiting for the GIL.
Result<LibraryState> settled(const Target& target) {
    for (int i = 0; i < kPatience; ++i) {
        const auto state = state_of(target);
        if (!state) return state.forward();
        if (state->state == kRefused)
            return fail(Errc::unsupported, called(target.pid()) + ": " + std::string(state->why.data()));
        if (state->state != kWaiting) return *state;
        const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
        ::nanosleep(&pause, nullptr);
    }
    return fail(Errc::timed_out, called(target.pid()) + " holds its GIL for longer than five seconds");
}

// The ring, locked as RingFile does it: ours to read. Nothing when somebody reads it, or it cannot be found out.
Fd lock_ring(pid_t pid, std::int32_t ring_file) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(ring_file);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    Fd ring(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    return ring && ::flock(ring.get(), LOCK_EX | LOCK_NB) == 0 ? std::move(ring) : Fd();
}

Status detach(const Target& target) {
    const auto address = target.in_library("autotune_python_detach");
    if (!address) return ok();  // it has ended, or is another program now
    {
        auto thread = StoppedThread::of(target);
        if (!thread) return thread.error().code == Errc::not_found ? ok() : thread.forward();
        if (auto done = thread->call(*address, {}); !done) return done.forward();
    }
    const auto state = settled(target);
    return state ? ok() : state.forward();
}

}  // namespace

struct Injection::State {
    Target target;
    std::string ring;
    Fd lock;  // beside a RingFile's, which comes later
    bool tracing = false;
};

Injection::Injection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Injection::Injection(Injection&&) noexcept = default;
Injection& Injection::operator=(Injection&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}
Injection::~Injection() { (void)end(); }

Result<Injection> Injection::begin(pid_t pid, const InjectionOptions& options) {
    const auto text = runtime::python_options(options.python);
    if (!text) return text.forward();
    auto target = Target::look_at(pid);
    if (!target) return target.forward();
    const auto before = state_of(*target);
    if (before && (before->state == kTracing || before->state == kWaiting)) {
        if (before->state == kWaiting || !lock_ring(pid, before->ring_file))
            return fail(Errc::conflict, called(pid) + " tells its calls to another tracer");
        if (auto ended = detach(*target); !ended) return ended.forward();
    }
    const bool in_folder = !options.folder.empty() && target->shares_our_files();
    {
        auto thread = StoppedThread::of(*target);
        if (!thread) return thread.forward();
        if (auto loaded = load(*target, *thread); !loaded) return loaded.forward();
        const auto folder = thread->put(in_folder ? options.folder : "");
        const auto words = thread->put(*text);
        if (!folder || !words) return (folder ? words : folder).forward();
        const auto attach = target->in_library("autotune_python_attach");
        if (auto done = thread->call(attach.value_or(0), {*folder, *words}); !done) return done.forward();
    }
    const auto state = settled(*target);
    if (!state) return state.forward();
    auto owned = std::make_unique<State>(State{.target = *std::move(target), .ring = {}, .lock = lock_ring(pid, state->ring_file), .tracing = true});
    if (!in_folder) owned->ring = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(state->ring_file);
    return Injection(std::move(owned));
}

const std::string& Injection::ring() const { return state_->ring; }

Status Injection::end() {
    if (state_ == nullptr || !std::exchange(state_->tracing, false)) return ok();
    return detach(state_->target);
}

}  // namespace autotune::inject
