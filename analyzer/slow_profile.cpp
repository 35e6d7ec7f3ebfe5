#include "analyzer/slow_profile.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "analyzer/stack_writer.hpp"

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

Profile profile_of(const FunctionBook& book, Ranked records, const Tables& tables) {
    std::unordered_set<std::uint64_t> serials;
    for (const Record* record : records) serials.insert(record->serial);
    std::map<std::pair<StackId, StackEnd>, std::uint64_t>
        by_stack;  // ordered: the same samples, the same bytes
    for (const Sample& s : book.samples.samples())
        if (s.of == SampleOf::cpu && serials.contains(s.serial))
            by_stack[{s.stack, s.truncated ? StackEnd::cut : StackEnd::thread_start}] += s.weight;
    StackWriter writer(tables);
    for (const auto& [stack, weight] : by_stack) writer.add(stack.first, weight, stack.second);
    return std::move(writer).take({});
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
    Profile both = compare(profile_of(book, usual, tables), profile_of(book, slowest, tables));
    both.title = book.function.name + ": the slowest " + std::to_string(slow) + " of " +
                 std::to_string(ranked.size()) + " invocations (" +
                 milliseconds(slowest.front()->duration()) + " and more) against the median (" +
                 std::to_string(middle) + " of about " + milliseconds(usual[middle / 2]->duration()) +
                 ", on-CPU)";
    return both;
}

}  // namespace autotune::analysis
