#include "agent/black_box/recorder.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "agent/black_box/box_assembly.hpp"
#include "agent/black_box/box_program.hpp"
#include "agent/black_box/box_records.hpp"
#include "agent/black_box/deaths.hpp"
#include "agent/black_box/watched_processes.hpp"
#include "os/fd.hpp"

namespace autotune::black_box {
namespace {

constexpr Nanos kLongestNap = std::chrono::milliseconds(500);
constexpr std::size_t kMostLooks = 500;                   // a second: forks without end must not keep us for ever
constexpr Nanos kLooksAfterStart[] = {std::chrono::milliseconds(50), std::chrono::seconds(1)};
constexpr std::size_t kMostLater = 4096;
constexpr std::size_t kMostBoxes = 256;                   // not taken yet; the newest win

}  // namespace

class Recorder::Impl {
public:
    Impl(BoxProgram program, RecorderOptions options, Fd wake)
        : options_(std::move(options)),
          program_(std::move(program)),
          processes_(program_, options_.proc),
          wake_(std::move(wake)),
          thread_([this](const std::stop_token& stop) { run(stop); }) {}

    ~Impl() {
        thread_.request_stop();
        wake();
    }

    Status trace(std::span<const CgroupId> roots, std::span<const std::int32_t> pids) {
        if (Status s = program_.trace(roots, pids); !s) return s;
        for (const std::int32_t pid : pids) ask([&](Wishes& w) { w.look.push_back({pid, 0}); });
        return ok();
    }

    void watch(const ProcessId& process, CgroupId cgroup) {
        program_.watch(process, cgroup);
        ask([&](Wishes& w) { w.look.push_back(process); });
    }
    void expect(const ProcessId& process, Timestamp deadline) {
        ask([&](Wishes& w) { w.deadlines.emplace_back(process, deadline); });
    }
    void expect_no_more(std::int32_t pid) {
        const std::lock_guard lock(mutex_);  // no hurry: nobody is woken for it
        wishes_.deadlines.emplace_back(ProcessId{pid, 0}, std::nullopt);
    }

    Status remember_calls(bool wanted) {
        Status done = program_.remember_calls(wanted);
        ask([](Wishes& w) { w.young = true; });
        return done;
    }

    std::vector<BlackBox> take(Nanos wait) {
        std::unique_lock lock(mutex_);
        if (wait > Nanos(0)) told_.wait_for(lock, wait, [&] { return !boxes_.empty(); });
        return std::exchange(boxes_, {});
    }

    [[nodiscard]] bool is_writing() const { return is_writing_; }
    [[nodiscard]] RecorderHealth health() const {
        RecorderHealth health;
        const auto counts = program_.counts();
        const std::lock_guard lock(mutex_);
        health.boxes = written_;
        health.looked = looked_;
        health.weighed = weighed_;
        health.lost = {{"ring_full", counts[AT_BOX_RING_FULL]},
                       {"state_map_full", counts[AT_BOX_STATE_FULL]},
                       {"read_failed", counts[AT_BOX_UNREADABLE]},
                       {"undecodable", undecodable_},
                       {"not_looked_at", not_looked_at_},
                       {"not_taken", not_taken_},
                       {"threads_left_out", threads_left_out_}};
        health.bpf_seconds = program_.run_seconds();
        health.hears_first_work = hears_first_work_;
        return health;
    }

private:
    struct Wishes {
        std::vector<ProcessId> look;
        std::vector<std::pair<ProcessId, std::optional<Timestamp>>> deadlines;
        bool young = false;  // there may be processes that have just begun
    };

    void ask(const std::function<void(Wishes&)>& wish) {
        {
            const std::lock_guard lock(mutex_);
            wish(wishes_);
        }
        wake();
    }
    void wake() {
        const std::uint64_t one = 1;
        (void)!::write(wake_.get(), &one, sizeof one);
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            nap();
            take_wishes();
            if (!program_.drain([this](std::span<const std::byte> bytes) { on_record(bytes); })) return;
            look_at_new();
            look_before_deadlines();
            finish_deaths();
            hear_first_work();
        }
    }

    // Who has run for long has received: of a machine on which nothing starts nobody need look at each receive.
    void hear_first_work() {
        const bool wanted = clock_.now() < young_until_;
        if (wanted != hears_first_work_ && program_.expect_first_work(wanted)) hears_first_work_ = wanted;
    }
    void note_young() { young_until_ = clock_.now() + options_.longest_start; }

    void nap() {
        Nanos longest = deaths_.empty() ? kLongestNap : std::chrono::milliseconds(20);
        const Timestamp now = clock_.now();
        if (!later_.empty()) longest = std::min(longest, later_.begin()->first - now);
        for (const auto& [pid, deadline] : deadlines_) longest = std::min(longest, deadline.second - options_.lead - now);
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(longest, Nanos(0))).count();
        pollfd ready[] = {{.fd = program_.ready_fd(), .events = POLLIN, .revents = 0},
                          {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
        if (::poll(ready, 2, static_cast<int>(ms)) <= 0) return;
        std::uint64_t count = 0;
        if (ready[1].revents != 0) (void)!::read(wake_.get(), &count, sizeof count);
    }

    void take_wishes() {
        Wishes wishes;
        {
            const std::lock_guard lock(mutex_);
            wishes = std::exchange(wishes_, {});
        }
        if (wishes.young) note_young();
        for (const ProcessId& process : wishes.look) new_[process.pid] = process;
        for (const auto& [process, deadline] : wishes.deadlines) {
            if (deadline)
                deadlines_[process.pid] = {process, *deadline};
            else
                deadlines_.erase(process.pid);
        }
    }

    void on_record(std::span<const std::byte> bytes) {
        auto record = decode_box_record(bytes);
        if (!record) {
            const std::lock_guard lock(mutex_);
            ++undecodable_;
            return;
        }
        std::visit([this](auto&& what) { on(std::forward<decltype(what)>(what)); }, *std::move(record));
    }

    void on(at_box_notice&& notice) {
        const ProcessId process = process_of(notice.head);
        switch (notice.head.record) {
            case AT_BOX_SEEN:
                note_young();
                processes_.forget(process.pid);
                new_[process.pid] = process;
                break;
            case AT_BOX_PRESSURE: weigh(process.pid); break;
            default: deaths_.is_over(process.pid);
        }
    }
    void on(at_box_mapped&& mapped) {
        const ProcessId process = process_of(mapped.head);
        processes_.told(process, mapped);
        new_[process.pid] = process;
        if (mapped.head.record != AT_BOX_PROGRAM) return;
        note_young();
        if (program_.hears_of_mappings()) return;
        // What it loads is not told now: it is looked for when that should be done.
        const Timestamp now = clock_.now();
        for (const Nanos after : kLooksAfterStart)
            if (later_.size() < kMostLater) later_.emplace(now + after, process);
    }
    void on(at_box_dying&& dying) {
        deaths_.take(std::move(dying));
        is_writing_ = true;
    }
    void on(OpenFiles&& files) { deaths_.take(std::move(files)); }
    void on(CodeMemory&& memory) { deaths_.take(std::move(memory)); }
    void on(ThreadState&& thread) {
        if (deaths_.take(std::move(thread))) return;
        const std::lock_guard lock(mutex_);
        ++threads_left_out_;
    }

    void look_at_new() {
        const Timestamp now = clock_.now();
        for (; !later_.empty() && later_.begin()->first <= now; later_.erase(later_.begin()))
            new_[later_.begin()->second.pid] = later_.begin()->second;
        if (now - looks_since_ >= std::chrono::seconds(1)) looks_since_ = now, looks_ = 0;
        for (const auto& [pid, process] : std::exchange(new_, {})) {
            if (deaths_.contains(pid)) continue;
            const bool has_time = ++looks_ <= kMostLooks;
            if (has_time) processes_.look(process);
            const std::lock_guard lock(mutex_);
            ++(has_time ? looked_ : not_looked_at_);
        }
    }

    void look_before_deadlines() {
        const Timestamp now = clock_.now();
        for (auto it = deadlines_.begin(); it != deadlines_.end();) {
            const auto& [process, deadline] = it->second;
            if (deadline - options_.lead > now) {
                ++it;
                continue;
            }
            if (!deaths_.contains(process.pid)) processes_.look(process), weigh(process.pid);
            it = deadlines_.erase(it);
        }
    }

    void weigh(std::int32_t pid) {
        processes_.weigh(pid, clock_.now());
        const std::lock_guard lock(mutex_);
        ++weighed_;
    }

    void finish_deaths() {
        deaths_.finish(clock_.now(), [this](const Death& death) {
            BlackBox box = write_down(death);
            processes_.forget(process_of(death.dying.head).pid);
            const std::lock_guard lock(mutex_);
            ++written_;
            boxes_.push_back(std::move(box));
            if (boxes_.size() > kMostBoxes) boxes_.erase(boxes_.begin()), ++not_taken_;
        });
        is_writing_ = !deaths_.empty();
        told_.notify_all();
    }

    BlackBox write_down(const Death& death) {
        BlackBox box = box_of(death.dying, death.files);
        box.wall = wall_at(clock_, box.at);
        processes_.complete(box.process);
        for (const ThreadState& thread : death.threads) box.threads.push_back(processes_.describe(thread, death.memory));
        std::ranges::stable_partition(box.threads, [&](const BoxThread& t) { return t.id == box.culprit_thread; });
        processes_.add_mappings(box.process.pid, box.at, box.memory);
        const std::uint64_t lost = program_.counts()[AT_BOX_RING_FULL];
        box.records_lost = lost - std::exchange(lost_before_, lost) + death.left_out;
        return box;
    }

    SystemClock clock_;
    RecorderOptions options_;
    BoxProgram program_;
    // Of the thread alone.
    WatchedProcesses processes_;
    std::unordered_map<std::int32_t, ProcessId> new_;
    std::multimap<Timestamp, ProcessId> later_;  // to be looked at then
    std::unordered_map<std::int32_t, std::pair<ProcessId, Timestamp>> deadlines_;
    Deaths deaths_;
    std::size_t looks_ = 0;
    Timestamp looks_since_{};
    Timestamp young_until_{};  // some process may have begun and not received yet
    std::uint64_t lost_before_ = 0;
    // Shared.
    mutable std::mutex mutex_;
    std::condition_variable told_;
    Wishes wishes_;
    std::vector<BlackBox> boxes_;
    std::uint64_t undecodable_ = 0, looked_ = 0, not_looked_at_ = 0, not_taken_ = 0, threads_left_out_ = 0, written_ = 0,
                  weighed_ = 0;
    std::atomic<bool> is_writing_ = false;
    std::atomic<bool> hears_first_work_ = true;
    Fd wake_;
    std::jthread thread_;  // last: it uses all of the above
};

Recorder::Recorder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recorder::~Recorder() = default;

Result<std::unique_ptr<Recorder>> Recorder::start(RecorderOptions options) {
    auto program = BoxProgram::load(options.tracked);
    if (!program) return program.forward();
    Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return unexpected(errno_error("making an event descriptor", errno));
    return std::unique_ptr<Recorder>(
        new Recorder(std::make_unique<Impl>(*std::move(program), std::move(options), std::move(wake))));
}

Status Recorder::trace(std::span<const CgroupId> roots, std::span<const std::int32_t> processes) {
    return impl_->trace(roots, processes);
}
void Recorder::watch(const ProcessId& process, CgroupId cgroup) { impl_->watch(process, cgroup); }
void Recorder::expect(const ProcessId& process, Timestamp deadline) { impl_->expect(process, deadline); }
void Recorder::expect_no_more(std::int32_t pid) { impl_->expect_no_more(pid); }
Status Recorder::remember_calls(bool wanted) { return impl_->remember_calls(wanted); }
std::vector<BlackBox> Recorder::take(Nanos wait) { return impl_->take(wait); }
bool Recorder::is_writing() const { return impl_->is_writing(); }
RecorderHealth Recorder::health() const { return impl_->health(); }

}  // namespace autotune::black_box
