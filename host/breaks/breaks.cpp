#include "host/breaks/breaks.hpp"

#include <utility>

namespace autotune::host {
namespace {

// Between two questions of one that listens there are microseconds.
constexpr Nanos kUnheard = std::chrono::seconds(5);

bool wants(const BreakWish& wish, const InvokeRequest& request) {
    if (wish.function != request.function->name) return false;
    return wish.qualifier.empty() || wish.qualifier == request.function->version ||
           request.invoked_arn.ends_with(":" + wish.qualifier);
}

// Ids are in the order of their making, also as text.
std::string id_of(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return std::string(8 - std::min<std::size_t>(digits.size(), 8), '0') + digits;
}

}  // namespace

std::string_view to_string(BreakStage stage) {
    switch (stage) {
        case BreakStage::waiting: return "waiting";
        case BreakStage::held: return "held";
        case BreakStage::debugging: return "debugging";
        case BreakStage::running: return "running";
        case BreakStage::ended: return "ended";
    }
    return "ended";
}

void Break::tell(const std::function<void(BreakView&)>& change) {
    change(view_);
    ++changes_;
    if (listener_) std::exchange(listener_, nullptr)(view_, changes_);
}

std::string Breaks::add(BreakWish wish) {
    const std::string id = id_of(++last_id_);
    auto made = std::make_shared<Break>();
    made->wish_ = std::move(wish);
    expect_listener(id, *made);
    all_.emplace(id, std::move(made));
    return id;
}

void Breaks::expect_listener(const std::string& id, Break& subject) {
    subject.unheard_ = loop_.after(kUnheard, [this, id] { remove(id, "nobody listens any more"); });
}

bool Breaks::listen(const std::string& id, std::uint64_t seen,
                    std::function<void(const BreakView&, std::uint64_t)> told) {
    const auto found = all_.find(id);
    if (found == all_.end()) return false;
    const std::shared_ptr<Break> subject = found->second;
    subject->unheard_.cancel();
    auto tell = [this, id, told = std::move(told)](const BreakView& view, std::uint64_t number) {
        if (view.stage == BreakStage::ended)
            all_.erase(id);
        else
            expect_listener(id, *all_.at(id));
        told(view, number);
    };
    if (subject->changes_ > seen)
        tell(subject->view_, subject->changes_);
    else
        subject->listener_ = std::move(tell);
    return true;
}

bool Breaks::remove(const std::string& id, std::string_view why) {
    const auto found = all_.find(id);
    if (found == all_.end()) return false;
    const std::shared_ptr<Break> subject = std::move(found->second);
    all_.erase(found);
    subject->unheard_.cancel();
    subject->listener_ = nullptr;
    if (subject->let_go_) std::exchange(subject->let_go_, nullptr)(why);
    return true;
}

std::shared_ptr<Break> Breaks::claim(const InvokeRequest& request) {
    for (const auto& [id, subject] : all_) {
        if (subject->claimed_ || !wants(subject->wish_, request)) continue;
        subject->claimed_ = true;
        return subject;
    }
    return nullptr;
}

}  // namespace autotune::host
