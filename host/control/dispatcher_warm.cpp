// The part of Dispatcher that keeps sandboxes initialised ahead: from what is configured for aliases and versions to orders
// for the Invoker. An alias' sandboxes are of the version that it names; of one that is split, of both, by their shares.
#include <algorithm>
#include <cmath>
#include <utility>

#include "host/control/dispatcher.hpp"

namespace autotune::host {
namespace {

using Shares = std::vector<std::pair<std::string, std::uint32_t>>;  // version, how many

// The second version of a split gets its share, rounded, and at least one where there are two or more.
Shares shares_of(const Function& function, const std::string& qualifier, std::uint32_t count) {
    const auto alias = function.aliases.find(qualifier);
    if (alias == function.aliases.end()) return {{qualifier, count}};
    const Alias& split = alias->second;
    if (!split.additional || split.weight <= 0 || count < 2) return {{split.version, count}};
    const auto second = std::clamp(static_cast<std::uint32_t>(std::lround(count * split.weight)), 1U, count);
    return {{split.version, count - second}, {*split.additional, second}};
}

}  // namespace

void Dispatcher::use(Invoker& invoker) {
    invoker_ = &invoker;
    for (const auto& [name, function] : store_.all()) tend_warm(name);
}

void Dispatcher::tend_warm(const std::string& function) {
    if (invoker_ == nullptr) return;  // use() looks at all
    std::map<WarmKey, std::uint32_t> wanted;
    const auto found = store_.all().find(function);
    if (found != store_.all().end())
        for (const auto& [qualifier, provisioned] : found->second.provisioned)
            for (const auto& [version, count] : shares_of(found->second, qualifier, provisioned.count))
                if (count > 0) wanted[{qualifier, version}] = count;
    auto& ordered = ordered_[function];
    std::vector<WarmOrder> off;
    for (auto& [key, order] : ordered)
        if (!wanted.contains(key)) off.push_back({order.function, order.qualifier, 0});
    std::erase_if(ordered, [&](const auto& item) { return !wanted.contains(item.first); });
    for (const auto& [key, count] : wanted) {
        const auto configuration = store_.resolve({function, key.second});
        if (!configuration) continue;
        WarmOrder order{snapshot(*configuration), key.first, count};
        auto& last = ordered[key];
        if (last.function == order.function && last.count == order.count) continue;
        last = order;
        invoker_->keep_warm(std::move(order));
    }
    if (ordered.empty()) ordered_.erase(function);
    // Last, so that an alias that moves has its new ones under way.
    for (WarmOrder& order : off) invoker_->keep_warm(std::move(order));
}

WarmState Dispatcher::warm_state(const std::string& function, const std::string& qualifier) const {
    WarmState all{.allocated = 0, .available = 0, .reached = true, .failure = {}};
    const auto ordered = ordered_.find(function);
    if (ordered == ordered_.end()) return {};
    for (const auto& [key, order] : ordered->second) {
        if (key.first != qualifier) continue;
        const WarmState one = invoker_->warm_state(*order.function, qualifier);
        all.allocated += one.allocated;
        all.available += one.available;
        all.reached = all.reached && one.reached;
        if (all.failure.empty()) all.failure = one.failure;
    }
    return all;
}

}  // namespace autotune::host
