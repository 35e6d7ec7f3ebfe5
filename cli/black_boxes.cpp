#include "cli/black_boxes.hpp"

#include <algorithm>
#include <system_error>
#include <utility>
#include <variant>

#include "exporters/render/black_box.hpp"
#include "os/file.hpp"

namespace autotune::cli {
namespace {

namespace fs = std::filesystem;

constexpr Nanos kLongestWait = std::chrono::milliseconds(250);
constexpr Nanos kApart = std::chrono::seconds(2);  // a kill and the end of the invocation that it ended
constexpr int kMostVainWaits = 3;                  // in a row; then nobody is waited for until one has come again
constexpr std::size_t kMostEnded = 256, kMostUnmatched = 64;
constexpr std::size_t kMostKept = 1000;
constexpr std::size_t kMostFunctions = 4096;
constexpr std::size_t kMostWatched = 4096;
constexpr Nanos kLookAgain = std::chrono::seconds(10);

bool was_killed(const Invocation& i) {
    return i.status == InvocationStatus::timeout || i.status == InvocationStatus::out_of_memory ||
           (i.status == InvocationStatus::crash && i.error_type.find("signal") != std::string::npos);
}

// How well the box tells of the invocation: 0: not at all.
int rank_of(const BlackBox& box, const Invocation& i) {
    const bool same_process = box.process.pid == i.process.pid;
    const bool same_cgroup = box.cgroup != CgroupId{} && box.cgroup == i.cgroup;
    if ((!same_process && !same_cgroup) || box.at < i.start || box.at > i.end + kApart) return 0;
    if (box.out_of_memory) return 3;
    return same_process ? 2 : 1;
}

bool is_id(const std::string& text) {
    return !text.empty() && text.front() != '.' && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
}

fs::path file_of(const fs::path& folder, const std::string& invocation) { return folder / (invocation + ".json"); }

void forget_oldest(const fs::path& folder) {
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.path().extension() == ".json") files.emplace_back(entry.last_write_time(error), entry.path());
    std::ranges::sort(files);
    for (std::size_t i = 0; i + kMostKept < files.size(); ++i) fs::remove(files[i].second, error);
}

}  // namespace

Result<BlackBox> stored_black_box(const fs::path& folder, const std::string& invocation) {
    if (!is_id(invocation)) return fail(Errc::invalid_argument, "\"" + invocation + "\" is no invocation's id");
    const fs::path file = file_of(folder, invocation);
    const auto text = read_file(file);
    if (!text && text.error().code == Errc::not_found)
        return fail(Errc::not_found, "no black box of invocation " + invocation + " in " + folder.string());
    if (!text) return text.forward();
    auto box = render::black_box_from(*text);
    if (!box) return box.forward(file.string());
    return box;
}

BlackBoxes::BlackBoxes(black_box::Recorder& recorder, fs::path folder)
    : recorder_(recorder), folder_(std::move(folder)) {}

void BlackBoxes::listen(std::span<const Event> events) {
    for (const Event& event : events) {
        if (std::holds_alternative<ExecutorReady>(event.body)) {
            watch(event);
        } else if (const auto* started = std::get_if<InvocationStarted>(&event.body)) {
            watch(event);
            if (started->time_limit > Nanos(0)) recorder_.expect(event.process, event.at + started->time_limit);
        } else if (std::holds_alternative<InvocationEnded>(event.body)) {
            recorder_.expect_no_more(event.process.pid);
        }
    }
}

// To look at a process costs as much as dozens of invocations. Code that it maps later is told without a look.
void BlackBoxes::watch(const Event& event) {
    if (watched_.size() >= kMostWatched) watched_.clear();
    const auto [known, is_new] = watched_.try_emplace(event.process.pid, Watched{event.process, event.at});
    if (!is_new && known->second.process == event.process && event.at - known->second.at < kLookAgain) return;
    known->second = {event.process, event.at};
    recorder_.watch(event.process, event.cgroup);
}

Status BlackBoxes::join(std::span<const Invocation> finished) {
    std::size_t wanted = 0;
    for (const Invocation& i : finished) {
        if (!was_killed(i)) continue;
        ended_.push_back({i});
        if (ended_.size() > kMostEnded) ended_.pop_front();
        ++wanted;
    }
    Status told = ok();
    const auto take = [&](Nanos wait) {
        const std::vector<BlackBox> boxes = recorder_.take(wait);
        for (const BlackBox& box : boxes)
            if (Status s = match(box); !s) told = s;
        return boxes.size();
    };
    for (BlackBox& box : std::exchange(unmatched_, {}))
        if (Status s = match(std::move(box)); !s) told = s;
    const SystemClock clock;
    const Timestamp until = clock.now() + kLongestWait;
    const auto lacking = [&] {
        const auto newest = std::min(wanted, ended_.size());
        return std::any_of(ended_.end() - static_cast<std::ptrdiff_t>(newest), ended_.end(),
                           [](const Ended& e) { return e.rank == 0; });
    };
    (void)take(Nanos(0));
    const bool waits = wanted > 0 && waited_in_vain_ < kMostVainWaits;
    while (waits && lacking() && clock.now() < until) (void)take(std::chrono::milliseconds(20));
    if (waits) waited_in_vain_ = lacking() ? waited_in_vain_ + 1 : 0;
    return told;
}

Status BlackBoxes::match(BlackBox box) {
    for (auto ended = ended_.rbegin(); ended != ended_.rend(); ++ended) {
        const int rank = rank_of(box, ended->invocation);
        if (rank == 0) continue;
        waited_in_vain_ = 0;
        return rank > ended->rank ? keep(*ended, std::move(box), rank) : ok();
    }
    // Its invocation may be told later; a sandbox that was idle has none.
    unmatched_.push_back(std::move(box));
    if (unmatched_.size() > kMostUnmatched) unmatched_.pop_front();
    const Timestamp newest = unmatched_.back().at;
    std::erase_if(unmatched_, [&](const BlackBox& b) { return newest - b.at > 2 * kApart; });
    return ok();
}

Status BlackBoxes::keep(Ended& ended, BlackBox box, int rank) {
    const Invocation& i = ended.invocation;
    if (ended.rank == 0) told_.emplace_back(i.function.name, i.end);
    if (told_.size() > kMostKept) told_.pop_front();
    ended.rank = rank;
    box.invocation = std::string(i.id.view());
    box.function = i.function.name;
    box.version = i.version;
    box.status = std::string(to_string(i.status));
    if (last_.size() > kMostFunctions) last_.clear();
    last_[box.function] = {describe_place(culprit_of(box)), box.invocation};
    if (!is_id(box.invocation)) return ok();  // not from a platform that we know
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return fail(Errc::unavailable, "making " + folder_.string() + ": " + error.message());
    if (Status s = replace_file(file_of(folder_, box.invocation), render::black_box_json(box)); !s) return s;
    if (++kept_ % 100 == 1) forget_oldest(folder_);
    return ok();
}

BlackBoxes::Last BlackBoxes::last_of(const std::string& function) const {
    const auto found = last_.find(function);
    return found != last_.end() ? found->second : Last{};
}

std::size_t BlackBoxes::count_since(const std::string& function, Timestamp from) const {
    return static_cast<std::size_t>(std::count_if(
        told_.begin(), told_.end(), [&](const auto& one) { return one.first == function && one.second >= from; }));
}

}  // namespace autotune::cli
