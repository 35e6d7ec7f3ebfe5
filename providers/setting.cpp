#include "providers/setting.hpp"

namespace autotune {

namespace {
using Number = std::optional<std::uint32_t>;
std::string count(const Number& number) { return number ? std::to_string(*number) : "none"; }
std::string environments(const Number& number) {
    return (number ? std::to_string(*number) : "no") + (number == 1u ? " environment is" : " environments are") + " kept warm";
}
const KeepWarm* warm(const Change& change) { return std::get_if<KeepWarm>(&change); }
}  // namespace

Result<SettingSeen> read_setting(Provider& provider, const Action& action) {
    SettingSeen seen;
    if (const KeepWarm* keep = warm(action.change)) {
        const auto kept = provider.kept_warm(action.target, keep->alias);
        if (!kept) return kept.forward();
        seen.may_take_time = true;
        if (!*kept) return seen;
        seen.number = (*kept)->wanted;
        seen.ready = (*kept)->status == Warm::Status::ready;
        if ((*kept)->status == Warm::Status::failed) seen.failed = (*kept)->reason.empty() ? "it did not say why" : (*kept)->reason;
        return seen;
    }
    const auto limit = provider.reserved(action.target);
    if (!limit) return limit.forward();
    seen.number = *limit;
    return seen;
}

Status write_setting(Provider& provider, const Action& action, Number number) {
    if (const KeepWarm* keep = warm(action.change)) return provider.keep_warm(action.target, keep->alias, number);
    return provider.reserve(action.target, number);
}

std::string told_setting(const Change& change, const Number& number) {
    if (warm(change) != nullptr) return "ordered " + count(number) + " to be kept warm";
    return "reserved " + count(number) + " for the function";
}

std::string left_setting(const Change& change, const Number& number) {
    if (warm(change) != nullptr) return count(number) + " are kept warm by now, and it was left so";
    return count(number) + " is reserved by now, and was left so";
}

Status admit_setting(const Change& change, const Number& now) {
    const auto setting = setting_of(change);
    if (warm(change) != nullptr) {
        if (!setting->to || *setting->to == 0) return fail(Errc::invalid_argument, "environments are kept by this, not taken away");
        if (now && *now >= *setting->to) return fail(Errc::invalid_argument, environments(now) + " for it already");
        if (now != setting->from)
            return fail(Errc::invalid_argument, environments(now) + " for it, and " + count(setting->from) + " when this was planned");
        return ok();
    }
    if (!setting->to) return fail(Errc::invalid_argument, "a reservation is set by this, not taken away");
    if (now == setting->to) return fail(Errc::invalid_argument, "it has a reservation of " + count(now) + " already");
    if (now != setting->from)
        return fail(Errc::invalid_argument, "its reservation is " + count(now) + ", and was " + count(setting->from) + " when this was planned");
    return ok();
}

Status admit_undo_setting(const Change& done, const Number& now) {
    const auto to = setting_of(done)->to;
    if (now == to) return ok();
    if (warm(done) != nullptr)
        return fail(Errc::invalid_argument, environments(now) + " by now, and not the " + count(to) +
                                                " that it ordered: what came after it comes first");
    return fail(Errc::invalid_argument, "the reservation is " + count(now) + " by now, and not " + count(to) +
                                            ", which it made: what came after it comes first");
}

}  // namespace autotune
