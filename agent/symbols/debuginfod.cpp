#include "agent/symbols/debuginfod.hpp"

#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace autotune::symbols {

namespace {

constexpr std::size_t kMaxQueued = 64;

// The few functions of libdebuginfod, found at run time: who does not use it does not load an HTTP client.
struct Library {
    decltype(&debuginfod_begin) begin = nullptr;
    decltype(&debuginfod_end) end = nullptr;
    decltype(&debuginfod_find_debuginfo) find = nullptr;
    decltype(&debuginfod_set_progressfn) set_progress = nullptr;

    bool load() {
        void* library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);  // stays: it starts threads
        return library != nullptr && take(library, "debuginfod_begin", begin) && take(library, "debuginfod_end", end) &&
               take(library, "debuginfod_find_debuginfo", find) &&
               take(library, "debuginfod_set_progressfn", set_progress);
    }

private:
    template <class F>
    static bool take(void* library, const char* name, F& function) {
        function = reinterpret_cast<F>(dlsym(library, name));
        return function != nullptr;
    }
};

}  // namespace

DebuginfodOptions debuginfod_of_environment() {
    const char* urls = std::getenv(DEBUGINFOD_URLS_ENV_VAR);
    return {.enabled = urls != nullptr && urls[std::strspn(urls, " ")] != '\0'};
}

class Debuginfod::Impl {
public:
    explicit Impl(DebuginfodOptions options) : options_(options) {}
    ~Impl() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wanted_.notify_one();
        if (thread_.joinable()) thread_.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Answer ask(const std::string& build_id) {
        if (!options_.enabled || build_id.empty()) return {};
        const std::lock_guard lock(mutex_);
        const auto [found, fresh] = answers_.try_emplace(build_id, Answer{State::pending, {}});
        if (!fresh) return found->second;
        if (queue_.size() >= kMaxQueued) {
            ++refused_;
            answers_.erase(found);
            return {};
        }
        queue_.push_back(build_id);
        if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
        wanted_.notify_one();
        return found->second;
    }

    std::uint64_t answered() const { return answered_; }
    std::vector<Fetch> fetches() const {
        const std::lock_guard lock(mutex_);
        return fetches_;
    }
    std::uint64_t refused() const {
        const std::lock_guard lock(mutex_);
        return refused_;
    }

private:
    void serve() {
        const bool loaded = library_.load();
        std::unique_lock lock(mutex_);
        while (true) {
            wanted_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
            if (stopping_) return;
            const std::string id = queue_.front();
            queue_.pop_front();
            lock.unlock();
            Fetch fetch{.build_id = id, .path = {}, .error = "libdebuginfod is not installed", .took = {}};
            if (loaded) fetch_one(fetch);
            lock.lock();
            answers_[id] = {fetch.path.empty() ? State::absent : State::here, fetch.path};
            fetches_.push_back(std::move(fetch));
            ++answered_;
        }
    }

    void fetch_one(Fetch& fetch) {
        const SystemClock clock;
        begun_ = clock.now();
        reason_ = nullptr;
        debuginfod_client* client = library_.begin();
        if (client == nullptr) {
            fetch.error = "libdebuginfod could not be started";
            return;
        }
        current_ = this;
        library_.set_progress(client, goes_on);
        char* path = nullptr;
        // Length 0: the build id is text.
        const int fd = library_.find(client, reinterpret_cast<const unsigned char*>(fetch.build_id.c_str()), 0, &path);
        if (fd >= 0) {
            close(fd);
            fetch.path = path != nullptr ? path : "";
            fetch.error.clear();
        } else {
            fetch.error = reason_ != nullptr ? reason_ : fd == -ENOENT ? "no server has it" : std::strerror(-fd);
        }
        std::free(path);
        library_.end(client);
        fetch.took = clock.now() - begun_;
    }

    // Asked now and then while it loads; not 0: give up.
    static int goes_on(debuginfod_client*, long, long bytes) {
        Impl& self = *current_;
        if (self.stopping_) self.reason_ = "stopped";
        if (SystemClock().now() - self.begun_ > self.options_.time_limit) self.reason_ = "it took too long";
        if (bytes > 0 && static_cast<std::uint64_t>(bytes) > self.options_.max_bytes) self.reason_ = "it is too large";
        return self.reason_ != nullptr ? 1 : 0;
    }

    DebuginfodOptions options_;
    Library library_;
    mutable std::mutex mutex_;
    std::condition_variable wanted_;
    std::thread thread_;
    std::atomic<bool> stopping_ = false;
    std::deque<std::string> queue_;
    std::map<std::string, Answer> answers_;
    std::vector<Fetch> fetches_;
    std::uint64_t refused_ = 0;
    std::atomic<std::uint64_t> answered_ = 0;
    // Of the thread that fetches.
    Timestamp begun_{};
    const char* reason_ = nullptr;
    static thread_local Impl* current_;
};

thread_local Debuginfod::Impl* Debuginfod::Impl::current_ = nullptr;

Debuginfod::Debuginfod(DebuginfodOptions options) : impl_(std::make_unique<Impl>(options)) {}
Debuginfod::~Debuginfod() = default;
Debuginfod::Answer Debuginfod::ask(const std::string& build_id) { return impl_->ask(build_id); }
std::uint64_t Debuginfod::answered() const { return impl_->answered(); }
std::vector<Fetch> Debuginfod::fetches() const { return impl_->fetches(); }
std::uint64_t Debuginfod::refused() const { return impl_->refused(); }

}  // namespace autotune::symbols
