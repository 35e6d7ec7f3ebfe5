#include "analyzer/profiles.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/stack_writer.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostLeafNames = 200'000;

std::optional<std::uint64_t> serial_of(const FunctionBook& book, const InvocationId& id) {
    const auto found =
        std::find_if(book.records.rbegin(), book.records.rend(), [&](const Record& r) { return r.id == id; });
    return found != book.records.rend() ? std::optional(found->serial) : std::nullopt;
}

// As pprof calls it.
const char* measure(ProfileOf of) {
    switch (of) {
        case ProfileOf::cpu: return "cpu";
        case ProfileOf::off_cpu: return "off_cpu";
        case ProfileOf::wall: return "wall";
        case ProfileOf::memory: return "alloc_space";
    }
    return "";
}

bool holds(ProfileOf wanted, SampleOf of) {
    switch (wanted) {
        case ProfileOf::cpu: return of == SampleOf::cpu;
        case ProfileOf::off_cpu: return of == SampleOf::off_cpu;
        case ProfileOf::wall: return of != SampleOf::memory;
        case ProfileOf::memory: return of == SampleOf::memory;
    }
    return false;
}

std::string title_of(const FunctionBook& book, const ProfileQuery& query) {
    std::string title = book.function.name;
    if (query.invocation) title += " " + query.invocation->str();
    const bool init = !query.invocation && query.part == ProfilePart::init;
    return title + (init ? " (initialisation, " : " (") + std::string(shown(query.of)) + ")";
}

}  // namespace

std::string_view shown(ProfileOf of) {
    switch (of) {
        case ProfileOf::cpu: return "on-CPU";
        case ProfileOf::off_cpu: return "off-CPU";
        case ProfileOf::wall: return "wall clock";
        case ProfileOf::memory: return "memory";
    }
    return {};
}

Profile profile_of_samples(const FunctionBook& book, ProfileOf of,
                           const std::function<bool(const Sample&)>& wanted, const Tables& tables) {
    std::map<std::pair<StackId, StackEnd>, std::uint64_t>
        by_stack;  // ordered: the same samples, the same bytes
    for (const Sample& s : book.samples.samples())
        if (holds(of, s.of) && wanted(s))
            by_stack[{s.stack, s.truncated ? StackEnd::cut : StackEnd::thread_start}] += s.weight;
    StackWriter writer(tables);
    for (const auto& [stack, weight] : by_stack) writer.add(stack.first, weight, stack.second);
    Profile profile = std::move(writer).take({});
    profile.measure = measure(of);
    if (of == ProfileOf::memory) profile.unit = ProfileUnit::bytes;
    return profile;
}

Profile build_profile(const FunctionBook& book, const ProfileQuery& query, const Tables& tables) {
    std::optional<std::uint64_t> serial;
    if (query.invocation) {
        serial = serial_of(book, *query.invocation);
        if (!serial) return {.title = title_of(book, query)};
    }
    Profile profile = profile_of_samples(
        book, query.of,
        [&](const Sample& s) {
            const bool init = s.serial == kInitSerial;
            if (serial ? s.serial != *serial : init != (query.part == ProfilePart::init)) return false;
            return s.at >= query.from && s.at < query.to;
        },
        tables);
    profile.title = title_of(book, query);
    return profile;
}

void LeafNames::learn(StackId stack, const Tables& tables) {
    if (names_.size() >= kMostLeafNames || names_.contains(stack)) return;
    const auto leaf_first = tables.stacks[stack];
    names_.emplace(
        stack, leaf_first.empty() ? std::string() : shown_name(tables.frames[leaf_first.front()], tables));
}

std::string_view LeafNames::operator[](StackId stack) const {
    const auto found = names_.find(stack);
    return found != names_.end() ? std::string_view(found->second) : std::string_view();
}

HottestFrame hottest_frame(const FunctionBook& book, const LeafNames& leaves, Timestamp from, Timestamp to) {
    std::map<std::string_view, std::uint64_t> counts;  // ordered, so that ties go to the first by name
    std::uint64_t all = 0;
    for (const Sample& s : book.samples.samples()) {
        if (s.serial == kInitSerial || s.of != SampleOf::cpu || s.at < from || s.at > to) continue;
        ++all;
        if (const auto name = leaves[s.stack]; !name.empty()) ++counts[name];
    }
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == counts.end()) return {};
    return {std::string(most->first), static_cast<double>(most->second) / static_cast<double>(all)};
}

}  // namespace autotune::analysis
