#include "analyzer/slow_profile.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "analyzer/profiles.hpp"

namespace autotune::analysis {

namespace {

constexpr double kSlow = 0.01, kMiddle = 0.10;  // shares of the invocations
constexpr std::size_t kFewest = 3;

using Ranked = std::span<const Record* const>;

std::string milliseconds(Nanos duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g ms", static_cast<double>(duration.count()) / 1e6);
    return text;
}

Profile profile_of(const FunctionBook& book, Ranked records, ProfileOf of, const Tables& tables) {
    std::unordered_set<std::uint64_t> serials;
    for (const Record* record : records) serials.insert(record->serial);
    return profile_of_samples(
        book, of, [&](const Sample& s) { return serials.contains(s.serial); }, tables);
}

std::size_t share_of(std::size_t count, double share) {
    return std::max<std::size_t>(
        1, static_cast<std::size_t>(std::ceil(share * static_cast<double>(count) - 1e-9)));
}

}  // namespace

Profile slow_against_median(const FunctionBook& book, const ProfileQuery& query, const Tables& tables) {
    std::vector<const Record*> ranked;  // by duration
    for (const Record& record : book.records)
        if (record.end >= query.from && record.end < query.to) ranked.push_back(&record);
    if (ranked.size() < kFewest) return {.title = book.function.name + " (too few invocations to compare)"};
    std::sort(ranked.begin(), ranked.end(), [](const Record* a, const Record* b) {
        return std::pair(a->duration(), a->serial) < std::pair(b->duration(), b->serial);
    });
    const std::size_t slow = share_of(ranked.size(), kSlow);
    const std::size_t middle = std::min(share_of(ranked.size(), kMiddle), ranked.size() - slow);
    const Ranked all(ranked);
    const Ranked slowest = all.last(slow), usual = all.subspan((ranked.size() - middle) / 2, middle);
    Profile both =
        compare(profile_of(book, usual, query.of, tables), profile_of(book, slowest, query.of, tables));
    both.title = book.function.name + ": the slowest " + std::to_string(slow) + " of " +
                 std::to_string(ranked.size()) + " invocations (" +
                 milliseconds(slowest.front()->duration()) + " and more) against the median (" +
                 std::to_string(middle) + " of about " + milliseconds(usual[middle / 2]->duration()) + ", " +
                 std::string(shown(query.of)) + ")";
    return both;
}

}  // namespace autotune::analysis
