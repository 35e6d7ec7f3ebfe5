#include "agent/runtime/runtime_source.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>
#include <vector>

#include "agent/runtime/ring_reader.hpp"
#include "agent/runtime/traced_process.hpp"
#include "agent/symbols/symbolizer.hpp"

namespace autotune::runtime {

namespace {

constexpr Nanos kLookEvery{std::chrono::milliseconds(10)};

at_ring_mode mode_of(CallDetail calls) {
    switch (calls) {
        case CallDetail::off: return AT_RING_OFF;
        case CallDetail::totals: return AT_RING_TOTALS;
        case CallDetail::each: break;
    }
    return AT_RING_RECORDS;
}

struct Ring {
    TracedProcess process;
    RingReader reader;
    std::string path;       // to be removed when it is read to the end; empty: not ours
    bool replaced = false;  // its process has exec'ed: another program, another ring
    bool done = false;
};

class Source final : public RuntimeSource {
public:
    explicit Source(const RuntimeOptions& options) : options_(options) {}

    Status start() override {
        std::error_code error;
        if (!options_.folder.empty() && !std::filesystem::is_directory(options_.folder, error))
            return fail(Errc::not_found, options_.folder + " is no folder");
        return ok();
    }

    Status focus(const Detail&) override { return ok(); }

    Status set_calls(CallDetail calls) override {
        options_.calls = calls;
        for (const Ring& ring : rings_) ring.reader.set_mode(mode_of(calls));
        return ok();
    }

    Status watch(const std::string& path, std::int32_t pid) override {
        auto file = RingFile::open(path, RingPlace::process);
        if (!file) return file.forward();
        adopt(std::move(*file), pid, "");
        return ok();
    }

    Result<Poll> poll(Nanos wait, EventBatch& batch) override {
        const Timestamp begin = clock_.now();
        const std::size_t before = batch.events.size();
        for (Timestamp now = begin;; now = clock_.now()) {
            look(now);
            read(now, batch);
            if (batch.events.size() > before) return Poll{.state = PollState::ready};
            const Nanos left = begin + wait - now;
            if (left <= Nanos(0)) return Poll{.state = PollState::idle};
            rest(std::min(left, options_.drain_every));
        }
    }

    Status finish(EventBatch& batch) override {
        look(clock_.now() + kLookEvery);
        for (Ring& ring : rings_) {
            ring.reader.set_mode(AT_RING_OFF);
            while (ring.reader.drain(options_.max_calls_per_poll, batch)) {
            }
            end(ring, batch);
        }
        rings_.clear();
        return ok();
    }

    [[nodiscard]] RuntimeHealth health() const override {
        RuntimeHealth health = health_;
        health.rings = rings_.size();
        for (const Ring& ring : rings_) health.calls += ring.reader.calls_told();
        return health;
    }

private:
    void look(Timestamp now) {
        if (options_.folder.empty() || now < look_at_) return;
        look_at_ = now + kLookEvery;
        std::error_code error;
        for (std::filesystem::directory_iterator it(options_.folder, error), last; !error && it != last;
             it.increment(error)) {
            const std::string path = it->path();
            if ((!path.ends_with(".native") && !path.ends_with(".python")) || known_.contains(path)) continue;
            auto file = RingFile::open(path, RingPlace::folder);
            if (!file && file.error().code == Errc::unavailable) continue;  // being made
            if (!file && file.error().code == Errc::not_found) continue;
            known_.insert(path);
            if (file)
                adopt(std::move(*file), 0, path);
            else
                ++health_.refused;
        }
    }

    void adopt(RingFile file, std::int32_t pid, const std::string& path) {
        const at_ring_header header = file.header();
        TracedProcess process = TracedProcess::find(header, pid);
        for (Ring& other : rings_)
            if (other.process.id() == process.id() && other.reader.header().kind == header.kind)
                other.replaced = true;
        (void)symbolizer_.observe(process.id());  // while it runs
        file.set_mode(mode_of(options_.calls));
        const RingOwner owner{.process = process.id(), .cgroup = process.cgroup(), .inner_pid = header.pid};
        rings_.push_back({.process = std::move(process),
                          .reader = RingReader(std::move(file), owner, symbolizer_),
                          .path = path});
        ++health_.processes;
    }

    void read(Timestamp now, EventBatch& batch) {
        const bool totals = now >= totals_at_;
        if (totals) totals_at_ = now + options_.totals_every;
        const std::size_t end_of_batch = batch.events.size() + options_.max_calls_per_poll;
        for (std::size_t i = 0; i < rings_.size(); ++i) {
            Ring& ring = rings_[(turn_ + i) % rings_.size()];
            const bool ended = ring.replaced || !ring.process.running();  // before the drain: it sees all
            const bool more =
                ring.reader.drain(end_of_batch - std::min(end_of_batch, batch.events.size()), batch);
            if (totals) ring.reader.tell_totals(batch);
            ring.done = ended && !more;
            if (ring.done) end(ring, batch);
        }
        std::erase_if(rings_, [](const Ring& ring) { return ring.done; });
        ++turn_;
    }

    void end(Ring& ring, EventBatch& batch) {
        ring.reader.cut_open_calls(clock_.now(), batch);
        health_.calls += ring.reader.calls_told();
        if (!ring.path.empty()) unlink(ring.path.c_str());
        known_.erase(ring.path);
    }

    // Until a traced process ends, which must be noticed at once: its open calls end there.
    void rest(Nanos time) const {
        std::vector<pollfd> ends;
        for (const Ring& ring : rings_)
            ends.push_back({.fd = ring.process.pidfd(), .events = POLLIN, .revents = 0});
        const timespec timeout{.tv_sec = time.count() / 1'000'000'000,
                               .tv_nsec = time.count() % 1'000'000'000};
        (void)ppoll(ends.data(), ends.size(), &timeout, nullptr);
    }

    RuntimeOptions options_;
    SystemClock clock_;
    symbols::Symbolizer symbolizer_;
    std::vector<Ring> rings_;
    std::set<std::string> known_;  // files of the folder that were looked at
    Timestamp look_at_{}, totals_at_{};
    std::size_t turn_ = 0;
    RuntimeHealth health_;
};

}  // namespace

std::unique_ptr<RuntimeSource> make_runtime_source(const RuntimeOptions& options) {
    return std::make_unique<Source>(options);
}

Result<OwnedFolder> make_ring_folder(std::uint32_t uid) {
    auto folder = OwnedFolder::make("/dev/shm");
    if (folder && uid != geteuid() && chown(folder->path().c_str(), uid, static_cast<gid_t>(-1)) != 0)
        return unexpected(errno_error("giving " + folder->path() + " to user " + std::to_string(uid), errno));
    return folder;
}

}  // namespace autotune::runtime
